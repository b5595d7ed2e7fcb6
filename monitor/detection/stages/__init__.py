"""The stages that judge a poll: pure functions, grouped by what they decide. `detection/assess` puts them in order."""
