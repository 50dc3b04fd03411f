#include <stdint.h>

#include "shim.h"
#include "core/cfg/cfg_struct.h"
#include "core/timer_ticks.h"
#include "modules/tm/lock.h"
#include "modules/tm/sip_msg.h"
#include "modules/tm/tm_load.h"

#include "target.h"
#include "transaction.h"

struct tm_binds tm;
static unsigned int reply_suspensions; /* made by this process */
static int resuming;                   /* this process runs the route of a resumed transaction */

int shim_tm_bind(void)
{
	if(find_module_by_name("tm") == NULL || load_tm_api(&tm) < 0 || find_arming_functions() < 0) {
		return -1;
	}
	return watch_resumed_routes();
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

tm_cell_t *current_transaction(void)
{
	tm_cell_t *transaction = tm.t_gett();
	return transaction == T_UNDEFINED ? NULL : transaction;
}

void lock_replies(tm_cell_t *transaction)
{
	if(atomic_get(&transaction->reply_locker_pid) == my_pid()) {
		transaction->reply_rec_lock_level++;
		return;
	}
	lock(&transaction->reply_mutex);
	atomic_set(&transaction->reply_locker_pid, my_pid());
}

void unlock_replies(tm_cell_t *transaction)
{
	if(transaction->reply_rec_lock_level > 0) {
		transaction->reply_rec_lock_level--;
		return;
	}
	atomic_set(&transaction->reply_locker_pid, 0);
	unlock(&transaction->reply_mutex);
}

int is_over(const tm_cell_t *transaction)
{
	return transaction->uas.status >= 200 || transaction->wait_timer.prev != NULL ||
		   transaction->wait_timer.next != NULL;
}

int has_open_branch(const tm_cell_t *transaction)
{
	int branch;
	for(branch = 0; branch < transaction->nr_of_outgoings; branch++) {
		if(transaction->uac[branch].last_received < 200) {
			return 1;
		}
	}
	return 0;
}

/* A suspended reply is set aside: tm does not see its clone, which its timers and other replies would write over. For a
 * provisional reply tm does not see the flag either, with which it drops every other reply of the transaction: it has
 * acknowledged a final one by then, which does not come again. A final reply that is suspended needs the flag, or its
 * retransmission would pass. The branch's end_reply, which tm uses for suspended replies alone, marks the branch: it
 * points into the clone meanwhile, to its second byte, where none of tm's own ends lies. */
static void set_aside(tm_cell_t *transaction, int branch)
{
	sip_msg_t *clone = transaction->uac[branch].reply;
	transaction->uac[branch].reply = NULL;
	transaction->uac[branch].end_reply = (char *)clone + 1;
	if(clone->REPLY_STATUS < 200) {
		transaction->flags &= ~T_ASYNC_SUSPENDED;
	}
}

/* For a failure route, a branch that has ended has abandoned its provisional reply. */
static int has_set_aside(const tm_cell_t *transaction, const sip_msg_t *msg)
{
	int branch;
	int any = msg->first_line.type == SIP_REPLY;
	for(branch = 0; branch < transaction->nr_of_outgoings; branch++) {
		if(transaction->uac[branch].end_reply != NULL && (any || transaction->uac[branch].last_received < 200)) {
			return 1;
		}
	}
	return 0;
}

static const sip_msg_t *clone_set_aside(const struct ua_client *branch)
{
	int is_marked = branch->reply == NULL && ((uintptr_t)branch->end_reply & 1) != 0;
	return is_marked ? (const sip_msg_t *)(branch->end_reply - 1) : NULL;
}

/* Whether this reply is the one that was set aside on its branch, once more: the same bytes (RFC 3261 section 17.2).
 * The reply lock, which tm holds while an onreply route runs, keeps the clone alive. */
static int is_set_aside(const tm_cell_t *transaction, const sip_msg_t *msg)
{
	int branch = tm.t_gett_branch();
	const sip_msg_t *clone;

	if(msg->first_line.type != SIP_REPLY || branch < 0 || branch >= transaction->nr_of_outgoings) {
		return 0;
	}
	clone = clone_set_aside(&transaction->uac[branch]);
	return clone != NULL && clone->len == msg->len && memcmp(clone->buf, msg->buf, msg->len) == 0;
}

/* Gives the clone back to tm, unless the branch or the transaction has moved on. */
static int put_back(tm_cell_t *transaction, const Suspension *suspension)
{
	struct ua_client *branch = &transaction->uac[suspension->branch];
	if(is_over(transaction) || branch->reply != NULL || branch->last_received >= 200) {
		return 0;
	}
	branch->reply = suspension->reply;
	branch->end_reply = suspension->reply_end;
	transaction->async_backup.backup_route = TM_ONREPLY_ROUTE;
	transaction->async_backup.backup_branch = suspension->branch;
	transaction->flags |= T_ASYNC_SUSPENDED;
	return 1;
}

/* A transaction of the server's own has nobody to answer, and often no request to go on with. */
TransactionState shim_transaction_state(const sip_msg_t *msg)
{
	tm_cell_t *transaction = current_transaction();
	if(transaction == NULL || is_local(transaction) || transaction->uas.request == NULL) {
		return TRANSACTION_STATE_NONE;
	}
	if(!resuming && is_set_aside(transaction, msg)) {
		return TRANSACTION_STATE_REPEATED;
	}
	if((transaction->flags & T_ASYNC_SUSPENDED) || (!resuming && has_set_aside(transaction, msg))) {
		return TRANSACTION_STATE_SUSPENDED;
	}
	return TRANSACTION_STATE_OPEN;
}

/* What tm cannot carry through a suspension, although it begins it:
 * - a negative reply, which it stores over its own clone, frees when a failure route adds a branch, and drops for good
 *   when the caller cancels;
 * - a provisional reply that comes after its branch's final one, whose clone it would take (-3, as for an answered
 *   transaction);
 * - a request with open branches, whose replies it drops. */
static int refusal(const tm_cell_t *transaction, const sip_msg_t *msg)
{
	int branch;
	if(msg->first_line.type == SIP_REPLY) {
		if(msg->REPLY_STATUS >= 300) {
			return SUSPEND_REFUSED_FOR_STATUS;
		}
		branch = tm.t_gett_branch();
		return !resuming && branch >= 0 && transaction->uac[branch].reply != NULL ? -3 : 0;
	}
	return has_open_branch(transaction) ? SUSPEND_REFUSED_FOR_BRANCHES : 0;
}

/* A refusal half-way leaves the flags set, and tm would then drop every reply of this transaction. */
int shim_transaction_suspend(sip_msg_t *msg, Suspension *suspension)
{
	tm_cell_t *transaction = current_transaction();
	int is_reply = msg->first_line.type == SIP_REPLY;
	int result;

	if(transaction == NULL) {
		return -1;
	}
	result = refusal(transaction, msg);
	if(result != 0) {
		return result;
	}
	result = tm.t_suspend(msg, &suspension->hash_index, &suspension->label);
	if(result < 0) {
		msg->msg_flags &= ~FL_RPL_SUSPENDED;
		transaction->flags &= ~T_ASYNC_SUSPENDED;
	}
	if(result != 0) {
		return result;
	}
	reply_suspensions += is_reply;
	suspension->branch = is_reply ? transaction->async_backup.backup_branch : transaction->async_backup.blind_uac;
	suspension->reply = is_reply ? transaction->uac[suspension->branch].reply : NULL;
	suspension->reply_end = is_reply ? transaction->uac[suspension->branch].end_reply : NULL;
	if(is_reply && !resuming) {
		set_aside(transaction, suspension->branch);
	}
	return 0;
}

/* t_continue keeps the reference it took when it finds the transaction not suspended (-2). */
static int continue_with(tm_cell_t *transaction, const Suspension *suspension, const ResumeTarget *target)
{
	str function = target_function(target);
	str event = target_event();
	int result;

	resuming = 1;
	begin_resumed_route();
	if(function.s != NULL) {
		result = tm.t_continue_cb(suspension->hash_index, suspension->label, &function, &event);
	} else {
		result = tm.t_continue(suspension->hash_index, suspension->label, target_action(target));
	}
	resuming = 0;
	if(result == -2) {
		tm.unref_cell(transaction);
	}
	return result;
}

/* A suspension made later, by a failure route for one, is another query's. */
static int is_still_suspended(const tm_cell_t *transaction, const Suspension *suspension)
{
	return (transaction->flags & T_ASYNC_SUSPENDED) && !is_over(transaction) &&
		   transaction->async_backup.backup_route != TM_ONREPLY_ROUTE &&
		   (int)transaction->async_backup.blind_uac == suspension->branch;
}

static int resume_request(tm_cell_t *transaction, const Suspension *suspension, const ResumeTarget *target)
{
	int result = -1;
	if(is_still_suspended(transaction, suspension)) {
		result = continue_with(transaction, suspension, target);
	}
	return result;
}

/* t_continue keeps the reference it took when the route suspends the reply again. */
static int resume_reply(tm_cell_t *transaction, const Suspension *suspension, const ResumeTarget *target)
{
	struct ua_client *branch = &transaction->uac[suspension->branch];
	sip_msg_t *clone = suspension->reply;
	unsigned int suspensions_before = reply_suspensions;
	int result = -1;

	if(put_back(transaction, suspension)) {
		result = continue_with(transaction, suspension, target);
	}
	if(result == 0 && reply_suspensions != suspensions_before) {
		tm.unref_cell(transaction);
		set_aside(transaction, suspension->branch);
	} else if(result != 0) {
		if(branch->reply == clone) {
			branch->reply = NULL;
		}
		branch->end_reply = NULL;
		sip_msg_free(clone);
	}
	return result;
}

/* A reference of our own keeps the cell while t_continue runs, and the lock keeps what was found before it true. The
 * route of a resumed reply runs with the route type that is set here. */
ResumeOutcome shim_transaction_resume(const Suspension *suspension, const ResumeTarget *target)
{
	tm_cell_t *before = tm.t_gett();
	int branch_before = tm.t_gett_branch();
	int route_type = get_route_type();
	tm_cell_t *transaction = NULL;
	sip_msg_t *clone = suspension->reply;
	int result = -1;

	cfg_update();
	if(tm.t_lookup_ident(&transaction, suspension->hash_index, suspension->label) > 0) {
		set_route_type(target->route_type);
		lock_replies(transaction);
		result = clone == NULL ? resume_request(transaction, suspension, target)
							   : resume_reply(transaction, suspension, target);
		unlock_replies(transaction);
		set_route_type(route_type);
		tm.unref_cell(transaction);
	} else if(clone != NULL) {
		sip_msg_free(clone);
	}
	tm.t_sett(before, branch_before);
	if(result != 0) {
		return RESUME_OUTCOME_GONE;
	}
	return was_left_alone() ? RESUME_OUTCOME_LEFT_ALONE : RESUME_OUTCOME_RUN;
}
