/* OpenSSL's functions for TLS sessions. A failure costs a resumption, never a query. */
#include <openssl/ssl.h>

#include "plan.h"

int __real_SSL_CTX_set_ex_data(SSL_CTX *context, int place, void *value);
int __real_SSL_set_session(SSL *connection, SSL_SESSION *session);
int __real_i2d_SSL_SESSION(const SSL_SESSION *session, unsigned char **bytes);
SSL_SESSION *__real_d2i_SSL_SESSION(SSL_SESSION **session, const unsigned char **bytes, long length);

int __wrap_SSL_CTX_set_ex_data(SSL_CTX *context, int place, void *value)
{
	return fault_now(OPENSSL, "SSL_CTX_set_ex_data") ? 0 : __real_SSL_CTX_set_ex_data(context, place, value);
}

int __wrap_SSL_set_session(SSL *connection, SSL_SESSION *session)
{
	return fault_now(OPENSSL, "SSL_set_session") ? 0 : __real_SSL_set_session(connection, session);
}

int __wrap_i2d_SSL_SESSION(const SSL_SESSION *session, unsigned char **bytes)
{
	return fault_now(OPENSSL, "i2d_SSL_SESSION") ? -1 : __real_i2d_SSL_SESSION(session, bytes);
}

SSL_SESSION *__wrap_d2i_SSL_SESSION(SSL_SESSION **session, const unsigned char **bytes, long length)
{
	return fault_now(OPENSSL, "d2i_SSL_SESSION") ? NULL : __real_d2i_SSL_SESSION(session, bytes, length);
}
