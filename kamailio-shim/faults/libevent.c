/* Functions of libevent, and its allocator. */
#include <stdlib.h>
#include <sys/time.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "heap.h"
#include "plan.h"

struct event *__real_event_new(
		struct event_base *base, evutil_socket_t socket, short what, event_callback_fn callback, void *argument);
int __real_event_assign(struct event *event, struct event_base *base, evutil_socket_t socket, short what,
		event_callback_fn callback, void *argument);
int __real_event_add(struct event *event, const struct timeval *after);
int __real_event_base_loop(struct event_base *base, int flags);
struct event_base *__real_event_base_new(void);

struct event *__wrap_event_new(
		struct event_base *base, evutil_socket_t socket, short what, event_callback_fn callback, void *argument)
{
	return fault_now(LIBEVENT, "event_new") ? NULL : __real_event_new(base, socket, what, callback, argument);
}

int __wrap_event_assign(struct event *event, struct event_base *base, evutil_socket_t socket, short what,
		event_callback_fn callback, void *argument)
{
	return fault_now(LIBEVENT, "event_assign") ? -1
											   : __real_event_assign(event, base, socket, what, callback, argument);
}

int __wrap_event_add(struct event *event, const struct timeval *after)
{
	return fault_now(LIBEVENT, "event_add") ? -1 : __real_event_add(event, after);
}

int __wrap_event_base_loop(struct event_base *base, int flags)
{
	fault_worker_runs();
	return fault_now(LOOP, "event_base_loop") ? -1 : __real_event_base_loop(base, flags);
}

struct event_base *__wrap_event_base_new(void)
{
	return fault_now(LIBEVENT, "event_base_new") ? NULL : __real_event_base_new();
}

/* Not counted: libevent keeps a block for each number that a descriptor ever had. */
static void *allocate(size_t size)
{
	return fault_now(LIBEVENT_MEMORY, "malloc") ? NULL : __real_malloc(size);
}

static void *reallocate(void *block, size_t size)
{
	return fault_now(LIBEVENT_MEMORY, "realloc") ? NULL : __real_realloc(block, size);
}

/* libevent takes its functions before its first allocation. */
__attribute__((constructor)) static void lend_memory(void)
{
	event_set_mem_functions(allocate, reallocate, free);
}
