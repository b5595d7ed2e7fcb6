"""The pages: what people look at instead of reading. They are drawn on the server from what the API answers."""
