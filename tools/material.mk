# What some chapters work on. Included by the Makefile.

.PHONY: server photos

# A slow web server, for chapters 16 and 19 and exercise 16: build/server --help
server: $(BUILD)/server
ex16: $(BUILD)/server
$(BUILD)/server: tools/server.c chapters/server.c
	@mkdir -p $(BUILD)
	$(COMPILE) -o $@ $<

# Photographs for chapter 17, in build/photos: make photos N=6000
photos: $(LIBRARY)
	@$(MAKE) -s compile SOURCE=tools/photos.c PROGRAM=$(BUILD)/photographer
	@$(BUILD)/photographer $(BUILD)/photos $(or $(N),60)
