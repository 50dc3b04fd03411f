/* Functions of c-ares, and its allocator. */
#include <stdlib.h>

#include <ares.h>

#include "heap.h"
#include "plan.h"

int __real_ares_init_options(ares_channel *channel, struct ares_options *options, int which);
int __real_ares_set_servers_ports_csv(ares_channel channel, const char *servers);
void __real_ares_query(
		ares_channel channel, const char *name, int class, int type, ares_callback callback, void *argument);

int __wrap_ares_init_options(ares_channel *channel, struct ares_options *options, int which)
{
	return fault_now(CARES, "ares_init_options") ? ARES_ENOMEM : __real_ares_init_options(channel, options, which);
}

int __wrap_ares_set_servers_ports_csv(ares_channel channel, const char *servers)
{
	return fault_now(CARES, "ares_set_servers_ports_csv") ? ARES_ENOMEM
														  : __real_ares_set_servers_ports_csv(channel, servers);
}

/* Tells a failure as c-ares does: by the callback, at once. */
void __wrap_ares_query(
		ares_channel channel, const char *name, int class, int type, ares_callback callback, void *argument)
{
	if(fault_now(CARES, "ares_query")) {
		callback(argument, ARES_ENOMEM, 0, NULL, 0);
		return;
	}
	__real_ares_query(channel, name, class, type, callback, argument);
}

static void *allocate(size_t size)
{
	return fault_now(CARES_MEMORY, "malloc") ? NULL : __real_malloc(size);
}

static void *reallocate(void *block, size_t size)
{
	return fault_now(CARES_MEMORY, "realloc") ? NULL : __real_realloc(block, size);
}

/* c-ares keeps the functions of the first call until as many calls of ares_library_cleanup have come. */
__attribute__((constructor)) static void lend_memory(void)
{
	ares_library_init_mem(ARES_LIB_INIT_ALL, allocate, free, reallocate);
}
