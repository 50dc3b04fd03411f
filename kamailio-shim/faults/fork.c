/* SIGTERM comes to a process that has just been forked, before it has run any code of the core's. */
#include <pthread.h>
#include <signal.h>

#include "core/pt.h"

#include "plan.h"

static int signal_comes;

static void in_child(void)
{
	if(signal_comes) {
		raise(SIGTERM);
	}
}

int __real_fork_process(int child_id, char *description, int make_sock);

int __wrap_fork_process(int child_id, char *description, int make_sock)
{
	int child;

	signal_comes = fault_now(SIGNAL_AFTER_FORK, "fork_process") && pthread_atfork(NULL, NULL, in_child) == 0;
	child = __real_fork_process(child_id, description, make_sock);
	signal_comes = 0;
	return child;
}
