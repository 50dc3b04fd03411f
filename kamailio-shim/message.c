#include "shim.h"
#include "core/fmsg.h"

static const char *made_text; /* the text of every message that the core makes itself */

int shim_messages_init(void)
{
	sip_msg_t message;
	if(faked_msg_get_new(&message) < 0) {
		return -1;
	}
	made_text = message.buf;
	free_sip_msg(&message);
	return 0;
}

int shim_message_is_received_sip(const sip_msg_t *msg)
{
	return msg->buf != made_text && !(msg->first_line.flags & (FLINE_FLAG_PROTO_HTTP | FLINE_FLAG_PROTO_HTTP2));
}

unsigned int shim_message_id(const sip_msg_t *msg)
{
	return msg->id;
}

int shim_message_pid(const sip_msg_t *msg)
{
	return msg->pid;
}
