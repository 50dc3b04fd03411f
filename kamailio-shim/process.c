#include "shim.h"
#include "core/cfg/cfg_struct.h"
#include "core/globals.h"
#include "core/pt.h"

int shim_workers_register(int count)
{
	if(register_procs(count) < 0) {
		return -1;
	}
	cfg_register_child(count);
	return 0;
}

int shim_worker_fork(char *description)
{
	return fork_process(PROC_RPC, description, 1);
}

int shim_worker_started(void)
{
	return cfg_child_init();
}

int shim_process_number(void)
{
	return process_no;
}

/* Paths mean something else behind chroot(2), which comes after the configuration was read. */
int shim_only_checks_configuration(void)
{
	return config_check && chroot_dir == NULL;
}
