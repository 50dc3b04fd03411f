#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plan.h"

/* A file that the test writes and every process of the server maps; tests/src/faults.rs has the same layout. */
typedef struct plan {
	int32_t failing_call; /* which call of the kind fails, from 1; 0: none, and none is counted */
	int32_t calls;        /* how many calls of the kind there were */
	int32_t blocks;       /* in use */
	int32_t attached;     /* 1 once the module has found the file */
	int32_t worker_runs;  /* 1 once a worker has entered its loop */
	char kind[32];
	char failed[64]; /* the call that failed */
} plan_t;

static plan_t *plan;

/* Before main: every allocation of every library is seen. */
__attribute__((constructor)) static void attach(void)
{
	const char *path = getenv("HTTP_ASYNC_CLIENT_FAULTS");
	int file = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *memory;

	if(file < 0) {
		return;
	}
	memory = mmap(NULL, sizeof(plan_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	if(memory != MAP_FAILED) {
		plan = memory;
		__atomic_store_n(&plan->attached, 1, __ATOMIC_SEQ_CST);
	}
}

int fault_now(const char *kind, const char *call)
{
	int32_t failing;

	if(plan == NULL) {
		return 0;
	}
	failing = __atomic_load_n(&plan->failing_call, __ATOMIC_SEQ_CST);
	if(failing == 0 || strcmp(plan->kind, kind) != 0) {
		return 0;
	}
	if(__atomic_add_fetch(&plan->calls, 1, __ATOMIC_SEQ_CST) != failing) {
		return 0;
	}
	strncpy(plan->failed, call, sizeof(plan->failed) - 1);
	return 1;
}

void fault_worker_runs(void)
{
	if(plan != NULL) {
		__atomic_store_n(&plan->worker_runs, 1, __ATOMIC_SEQ_CST);
	}
}

void fault_block_taken(const void *block)
{
	if(plan != NULL && block != NULL) {
		__atomic_add_fetch(&plan->blocks, 1, __ATOMIC_SEQ_CST);
	}
}

void fault_block_given_back(const void *block)
{
	if(plan != NULL && block != NULL) {
		__atomic_sub_fetch(&plan->blocks, 1, __ATOMIC_SEQ_CST);
	}
}
