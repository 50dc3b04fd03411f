#include "shim.h"
#include "core/cfg/cfg_struct.h"
#include "core/fmsg.h"
#include "core/receive.h"

#include "made_message.h"
#include "target.h"
#include "transaction.h"

int shim_route_type(void)
{
	return get_route_type();
}

int shim_route_index(const char *name)
{
	return route_lookup(&main_rt, (char *)name);
}

const char *shim_route_name(int index)
{
	struct str_hash_entry *entry;
	int bucket;

	for(bucket = 0; bucket < main_rt.names.size; bucket++) {
		clist_foreach(&main_rt.names.table[bucket], entry, next)
		{
			if(entry->u.n == index) {
				return entry->key.s;
			}
		}
	}
	return NULL;
}

int shim_script_is_kemi(void)
{
	return sr_kemi_eng_get() != NULL;
}

struct action *target_action(const ResumeTarget *target)
{
	if(target->route_index < 0 || target->route_index >= main_rt.entries) {
		return NULL;
	}
	return main_rt.rlist[target->route_index];
}

str target_function(const ResumeTarget *target)
{
	str name = {(char *)target->function, target->function_length};
	return name;
}

str target_event(void)
{
	str event = str_init("http_async_client:callback");
	return event;
}

static void run_target(const ResumeTarget *target, sip_msg_t *message)
{
	struct action *action = target_action(target);
	str function = target_function(target);
	str event = target_event();

	if(function.s != NULL) {
		sr_kemi_route(sr_kemi_eng_get(), message, EVENT_ROUTE, &function, &event);
	} else if(action != NULL) {
		run_top_route(action, message, 0);
	}
}

/* The message that callbacks without a transaction run on. To parse it anew for each would be most of what such a
 * callback costs; most look at variables of this module alone, and leave it as it was. Made while there is memory, it
 * also serves when there is none. */
static sip_msg_t kept;
static int has_kept;

/* Nobody has sent it, so nobody is answered: a reply would go to where the core says that it came from. */
static int make_message(sip_msg_t *message)
{
	if(made_message_parse(message) < 0) {
		return -1;
	}
	message->msg_flags |= FL_MSG_NOREPLY;
	return 0;
}

int shim_routes_init(void)
{
	has_kept = make_message(&kept) >= 0;
	return has_kept ? 0 : -1;
}

static int take_message(sip_msg_t *message)
{
	sip_msg_t *of_core;

	if(!has_kept) {
		return make_message(message);
	}
	made_message_name();
	of_core = faked_msg_get_next_clear();
	memcpy(message, &kept, sizeof(kept));
	message->id = of_core->id;
	message->pid = of_core->pid;
	return 0;
}

/* Whatever a route adds to a message hangs from its structure. A message that has changed is freed with all that it
 * shares with the kept one, and another is kept. */
static void give_message_back(sip_msg_t *message, const sip_msg_t *before)
{
	if(has_kept && memcmp(message, before, sizeof(*message)) == 0) {
		return;
	}
	has_kept = 0;
	free_sip_msg(message);
	shim_routes_init();
}

/* The static message of faked_msg_next() would carry one callback's URI, flags and lumps into the next. */
int shim_route_run_detached(const ResumeTarget *target)
{
	sip_msg_t message;
	sip_msg_t before;
	int route_type = get_route_type();

	cfg_update();
	if(take_message(&message) < 0) {
		return -1;
	}
	memcpy(&before, &message, sizeof(before));
	set_route_type(EVENT_ROUTE);
	run_target(target, &message);
	end_made_transaction(&message);
	disarm_routes(&message);
	set_route_type(route_type);
	ksr_msg_env_reset();
	give_message_back(&message, &before);
	return 0;
}
