/* What a callback leaves behind of a transaction. */
#include "shim.h"
#include "core/script_cb.h"
#include "core/sr_module.h"
#include "modules/tm/t_lookup.h"

#include "transaction.h"

static int left_alone;

/* tm runs this between the route of a resumed request and its own look at the transaction, which answers with an error
 * where it finds neither a reply nor an open branch. Of a call that the caller has given up that is no fault: tm
 * refuses to add a branch to it. */
static int after_failure_route(sip_msg_t *msg, unsigned int flags, void *parameter)
{
	const tm_cell_t *transaction = current_transaction();
	left_alone = transaction != NULL && !is_over(transaction) && !was_cancelled(transaction) &&
				 !has_open_branch(transaction);
	return 1;
}

int watch_resumed_routes(void)
{
	return register_script_cb(after_failure_route, POST_SCRIPT_CB | FAILURE_CB, NULL);
}

/* What a script arms without a transaction is the process's own: tm gives it to each transaction that is made, and
 * disarms it before the script of a request only. tm hands out no more than the functions of the script. */
static const char *const arming[] = {"t_on_failure", "t_on_branch_failure", "t_on_reply", "t_on_branch"};
enum { ARMING = sizeof(arming) / sizeof(arming[0]) };
static cmd_function arm[ARMING];

int find_arming_functions(void)
{
	int each;
	for(each = 0; each < ARMING; each++) {
		arm[each] = find_export((char *)arming[each], 1, 0);
		if(arm[each] == NULL) {
			return -1;
		}
	}
	return 0;
}

void disarm_routes(sip_msg_t *message)
{
	int each;
	for(each = 0; each < ARMING; each++) {
		arm[each](message, NULL, NULL);
	}
}

void begin_resumed_route(void)
{
	left_alone = 0;
}

int was_left_alone(void)
{
	return left_alone;
}

/* The current transaction may also be one that the script has looked up, and that another process is busy with. */
static int is_of(const tm_cell_t *transaction, const sip_msg_t *message)
{
	const sip_msg_t *request = transaction->uas.request;
	return request != NULL && request->id == message->id && request->pid == message->pid;
}

/* After a request's script tm gives the reference back that the script's transaction holds, and lets go of a
 * transaction that waits for nothing. Nobody does that after a route that the core was not asked to run. */
void end_made_transaction(const sip_msg_t *message)
{
	tm_cell_t *transaction = current_transaction();
	int waits;

	if(transaction == NULL) {
		return;
	}
	lock_replies(transaction);
	waits = is_over(transaction) || has_open_branch(transaction);
	unlock_replies(transaction);
	if(!waits && is_of(transaction, message)) {
		tm.t_release_transaction(transaction);
	}
	tm.unref_cell(transaction);
	tm.t_sett(T_UNDEFINED, T_BR_UNDEFINED);
}
