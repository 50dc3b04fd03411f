/* What a callback leaves behind of a transaction. */
#include "shim.h"
#include "core/script_cb.h"
#include "modules/tm/t_lookup.h"

#include "transaction.h"

static int left_alone;

/* tm runs this between the route of a resumed request and its own look at the transaction, which answers with an error
 * where it finds neither a reply nor an open branch. */
static int after_failure_route(sip_msg_t *msg, unsigned int flags, void *parameter)
{
	const tm_cell_t *transaction = current_transaction();
	left_alone = transaction != NULL && !is_over(transaction) && !has_open_branch(transaction);
	return 1;
}

int watch_resumed_routes(void)
{
	return register_script_cb(after_failure_route, POST_SCRIPT_CB | FAILURE_CB, NULL);
}

void begin_resumed_route(void)
{
	left_alone = 0;
}

int was_left_alone(void)
{
	return left_alone;
}

/* After a request's script tm gives the reference back that the script's transaction holds, and lets go of a
 * transaction that waits for nothing. Nobody does that after a route that the core was not asked to run. */
void end_made_transaction(void)
{
	tm_cell_t *transaction = current_transaction();
	int waits;

	if(transaction == NULL) {
		return;
	}
	lock_replies(transaction);
	waits = is_over(transaction) || has_open_branch(transaction);
	unlock_replies(transaction);
	if(!waits) {
		tm.t_release_transaction(transaction);
	}
	tm.unref_cell(transaction);
	tm.t_sett(T_UNDEFINED, T_BR_UNDEFINED);
}
