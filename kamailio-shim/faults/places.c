/* Places in the Rust side that are named there (host/fault_point.rs), where a panic or a signal is asked for. */
#include <signal.h>
#include <stdio.h>

#include "plan.h"

int fault_place(const char *place)
{
	char kind[32];

	snprintf(kind, sizeof(kind), SIGNAL_AT "%s", place);
	if(fault_now(kind, place)) {
		raise(SIGTERM);
	}
	snprintf(kind, sizeof(kind), PANIC_AT "%s", place);
	return fault_now(kind, place);
}
