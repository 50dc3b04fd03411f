#include <time.h>
#include <unistd.h>

#include "made_message.h"
#include "core/config.h"
#include "core/fmsg.h"
#include "core/parser/msg_parser.h"
#include "core/rand/kam_rand.h"

/* The core's made-up messages are all the same to tm: without a branch and with one Call-ID, what a second callback
 * relays is another branch of what the first has relayed. So these have the core's text with branch, tag and Call-ID of
 * their own. */
#define NAME "%08x%08x%08x%08x"
#define NAME_LENGTH 32
#define TEXT                                                                                                           \
	"OPTIONS sip:you@kamailio.org SIP/2.0\r\n"                                                                         \
	"Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK%s\r\n"                                                                  \
	"From: <sip:you@kamailio.org>;tag=%s\r\n"                                                                          \
	"To: <sip:you@kamailio.org>\r\n"                                                                                   \
	"Call-ID: %s\r\n"                                                                                                  \
	"CSeq: 1 OPTIONS\r\n"                                                                                              \
	"Content-Length: 0\r\n\r\n"
enum { NAMES = 3, TEXT_LENGTH = sizeof(TEXT) - 1 + NAMES * (NAME_LENGTH - 2) };

/* msg_apply_changes() writes to the text of a message, as much as a received one may have. */
static char text[BUF_SIZE + 1];

void made_message_name(void)
{
	static int process;
	static unsigned int number_of_process;
	static unsigned int began;
	static unsigned int count;
	char name[NAME_LENGTH + 1];

	if(process != getpid()) {
		process = getpid();
		number_of_process = (unsigned int)kam_rand();
		began = (unsigned int)time(NULL);
	}
	snprintf(name, sizeof(name), NAME, number_of_process, began, (unsigned int)process, count++);
	snprintf(text, sizeof(text), TEXT, name, name, name);
}

int made_message_parse(sip_msg_t *message)
{
	sip_msg_t of_core;

	if(faked_msg_get_new(&of_core) < 0) {
		return -1;
	}
	memset(message, 0, sizeof(*message));
	message->id = of_core.id;
	message->pid = of_core.pid;
	message->rcv = of_core.rcv;
	message->set_global_address = of_core.set_global_address;
	message->set_global_port = of_core.set_global_port;
	free_sip_msg(&of_core);
	made_message_name();
	message->buf = text;
	message->len = TEXT_LENGTH;
	if(parse_msg(text, TEXT_LENGTH, message) != 0) {
		free_sip_msg(message);
		return -1;
	}
	return 0;
}
