# Compares the pool with others. The Makefile includes this.

.PHONY: bench peers

bench: $(LIBRARY)
	@CC='$(CC)' CFLAGS='$(strip $(CFLAGS))' BUILD=$(BUILD) sh tools/bench/bench.sh

# What happens when a worker is killed, a callback fails ...: here and in Python's pools; writes the README's table.
peers: $(LIBRARY) $(BUILD)/run
	@CC='$(CC)' CFLAGS='$(strip $(CFLAGS))' BUILD=$(BUILD) sh tools/peers/peers.sh
