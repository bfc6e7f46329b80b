"""The halves that ask and fetch: names of addresses, published lists, keys of agents. For composition roots alone."""
