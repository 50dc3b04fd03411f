/* What build/bindings.rs reads of OpenSSL, the one that libcurl uses: TLS sessions of its connections. */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
