"""Several daemons on one database: what is one job (`shards`), who runs it (`engine`), a node in it (`member`)."""
