/* What build/bindings.rs reads of libcurl: the URL parser and the options that curl-sys does not declare. */
#include <curl/curl.h>
