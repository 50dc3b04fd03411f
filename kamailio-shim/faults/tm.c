/* Functions of tm, which this module gets as a table, and calls that reach into the core. */
#include <string.h>

#include "core/fmsg.h"
#include "core/mod_fix.h"
#include "core/script_cb.h"
#include "modules/tm/tm_load.h"
#include "shim.h"

#include "core.h"
#include "plan.h"

static struct tm_binds tm;       /* tm's own */
static load_tm_f load_tm_before; /* tm's own */
static int inside_continue;

static int suspend(sip_msg_t *msg, unsigned int *hash_index, unsigned int *label)
{
	int before = fault_core_may_fail;
	int result;

	if(fault_now(TM, "t_suspend")) {
		return -1;
	}
	fault_core_may_fail = 1;
	result = tm.t_suspend(msg, hash_index, label);
	fault_core_may_fail = before;
	return result;
}

/* As t_continue does it, with the reference kept where it finds the transaction not suspended. */
static int refuse_continuation(unsigned int hash_index, unsigned int label, const char *call)
{
	tm_cell_t *transaction;

	if(fault_now(TM, call)) {
		return -1;
	}
	if(fault_now(TM_NOT_SUSPENDED, call)) {
		tm_cell_t *current = tm.t_gett();
		int branch = tm.t_gett_branch();
		tm.t_lookup_ident(&transaction, hash_index, label);
		tm.t_sett(current, branch);
		return -2;
	}
	return 0;
}

static int continue_route(unsigned int hash_index, unsigned int label, struct action *route)
{
	int before = inside_continue;
	int result = refuse_continuation(hash_index, label, "t_continue");

	if(result != 0) {
		return result;
	}
	inside_continue = 1;
	fault_core_may_fail = 1;
	result = tm.t_continue(hash_index, label, route);
	fault_core_may_fail = 0;
	inside_continue = before;
	return result;
}

static int continue_function(unsigned int hash_index, unsigned int label, str *function, str *parameter)
{
	int before = inside_continue;
	int result = refuse_continuation(hash_index, label, "t_continue_cb");

	if(result != 0) {
		return result;
	}
	inside_continue = 1;
	fault_core_may_fail = 1;
	result = tm.t_continue_cb(hash_index, label, function, parameter);
	fault_core_may_fail = 0;
	inside_continue = before;
	return result;
}

static int lookup_ident(struct cell **transaction, unsigned int hash_index, unsigned int label)
{
	return fault_now(TM, "t_lookup_ident") ? -1 : tm.t_lookup_ident(transaction, hash_index, label);
}

/* The script's own statements are not this module's. */
static int before_script(sip_msg_t *msg, unsigned int flags, void *parameter)
{
	fault_core_may_fail = 0;
	return 1;
}

static int after_script(sip_msg_t *msg, unsigned int flags, void *parameter)
{
	fault_core_may_fail = inside_continue;
	return 1;
}

static int load_tm_with_faults(struct tm_binds *table)
{
	int result = load_tm_before(&tm);

	if(result == -1) {
		return result;
	}
	*table = tm;
	table->t_suspend = suspend;
	table->t_continue = continue_route;
	table->t_continue_cb = continue_function;
	table->t_lookup_ident = lookup_ident;
	fault_core_install();
	if(register_script_cb(before_script, PRE_SCRIPT_CB | FAILURE_CB | ONREPLY_CB, NULL) < 0 ||
			register_script_cb(after_script, POST_SCRIPT_CB | FAILURE_CB | ONREPLY_CB, NULL) < 0) {
		return -1;
	}
	return result;
}

cmd_function __real_find_export(char *name, int parameters, int flags);
int __real_faked_msg_get_new(sip_msg_t *msg);
int __real_parse_msg(char *text, unsigned int length, sip_msg_t *msg);
int __real_get_str_fparam(str *value, sip_msg_t *msg, fparam_t *parameter);

cmd_function __wrap_find_export(char *name, int parameters, int flags)
{
	cmd_function function = __real_find_export(name, parameters, flags);

	if(function != NULL && strcmp(name, "load_tm") == 0) {
		load_tm_before = (load_tm_f)function;
		return (cmd_function)load_tm_with_faults;
	}
	return function;
}

int __wrap_faked_msg_get_new(sip_msg_t *msg)
{
	int result;

	if(fault_now(TM, "faked_msg_get_new")) {
		return -1;
	}
	fault_core_may_fail = 1;
	result = __real_faked_msg_get_new(msg);
	fault_core_may_fail = 0;
	return result;
}

int __wrap_parse_msg(char *text, unsigned int length, sip_msg_t *msg)
{
	int result;

	if(fault_now(TM, "parse_msg")) {
		return -1;
	}
	fault_core_may_fail = 1;
	result = __real_parse_msg(text, length, msg);
	fault_core_may_fail = 0;
	return result;
}

int __wrap_get_str_fparam(str *value, sip_msg_t *msg, fparam_t *parameter)
{
	int before = fault_core_may_fail;
	int result;

	fault_core_may_fail = 1;
	result = __real_get_str_fparam(value, msg, parameter);
	fault_core_may_fail = before;
	return result;
}
