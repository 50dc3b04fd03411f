#include "shim.h"
#include "core/cfg/cfg_struct.h"
#include "core/timer_ticks.h"
#include "modules/tm/tm_load.h"

#include "target.h"

static struct tm_binds tm;
static unsigned int suspensions; /* made by this process */

int shim_tm_bind(void)
{
	return find_module_by_name("tm") == NULL ? -1 : load_tm_api(&tm);
}

/* tm's own cfg group refuses to tell it; the variable behind its modparam holds it, in ticks after tm's mod_init. */
int shim_tm_fr_timer(unsigned int *milliseconds)
{
	modparam_t type = 0;
	struct sr_module *module = find_module_by_name("tm");
	int *ticks = module == NULL ? NULL : find_param_export(module, "fr_timer", PARAM_INT, &type);

	if(ticks == NULL) {
		return -1;
	}
	*milliseconds = TICKS_TO_MS((ticks_t)*ticks);
	return 0;
}

static tm_cell_t *current_transaction(void)
{
	tm_cell_t *transaction = tm.t_gett();
	return transaction == T_UNDEFINED ? NULL : transaction;
}

TransactionState shim_transaction_state(void)
{
	tm_cell_t *transaction = current_transaction();
	if(transaction == NULL) {
		return TRANSACTION_STATE_NONE;
	}
	return (transaction->flags & T_ASYNC_SUSPENDED) ? TRANSACTION_STATE_SUSPENDED : TRANSACTION_STATE_OPEN;
}

/* A refusal half-way leaves the flags set, and tm would then drop every reply of this transaction. */
int shim_transaction_suspend(sip_msg_t *msg, unsigned int *hash_index, unsigned int *label)
{
	int result = tm.t_suspend(msg, hash_index, label);
	tm_cell_t *transaction = current_transaction();
	if(result == 0) {
		suspensions++;
	} else if(result < 0) {
		msg->msg_flags &= ~FL_RPL_SUSPENDED;
		if(transaction != NULL) {
			transaction->flags &= ~T_ASYNC_SUSPENDED;
		}
	}
	return result;
}

static int continue_with(unsigned int hash_index, unsigned int label, const ResumeTarget *target)
{
	str function = target_function(target);
	str event = target_event();
	if(function.s != NULL) {
		return tm.t_continue_cb(hash_index, label, &function, &event);
	}
	return tm.t_continue(hash_index, label, target_action(target));
}

/* t_continue keeps the reference it took when the transaction was not suspended (-2), and when the route of a resumed
 * reply suspended it again. */
static int keeps_reference(int result, const ResumeTarget *target, unsigned int suspensions_before)
{
	return result == -2 || (result == 0 && target->route_type == TM_ONREPLY_ROUTE && suspensions != suspensions_before);
}

/* A reference of our own keeps the cell while t_continue runs, so that the one it forgets can be given back after it.
 * The route of a resumed reply runs with the route type that is set here. */
ResumeOutcome shim_transaction_resume(unsigned int hash_index, unsigned int label, const ResumeTarget *target)
{
	tm_cell_t *before = tm.t_gett();
	int branch_before = tm.t_gett_branch();
	int route_type = get_route_type();
	tm_cell_t *transaction = NULL;
	unsigned int suspensions_before = suspensions;
	int result = -1;

	cfg_update();
	if(tm.t_lookup_ident(&transaction, hash_index, label) > 0) {
		set_route_type(target->route_type);
		result = continue_with(hash_index, label, target);
		set_route_type(route_type);
		if(keeps_reference(result, target, suspensions_before)) {
			tm.unref_cell(transaction);
		}
		tm.unref_cell(transaction);
	}
	tm.t_sett(before, branch_before);
	return result == 0 ? RESUME_OUTCOME_RUN : RESUME_OUTCOME_GONE;
}
