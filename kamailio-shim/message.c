#include "shim.h"

unsigned int shim_message_id(const sip_msg_t *msg)
{
	return msg->id;
}

int shim_message_pid(const sip_msg_t *msg)
{
	return msg->pid;
}
