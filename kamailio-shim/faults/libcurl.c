/* Functions of libcurl. The options of the variadic ones are all long, curl_off_t or pointers: as wide as a pointer. */
#include <stdarg.h>
#include <stdint.h>

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "plan.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

_Static_assert(sizeof(void *) == sizeof(long) && sizeof(void *) == sizeof(curl_off_t), "one argument width");

CURL *__real_curl_easy_init(void);
CURLcode __real_curl_easy_setopt(CURL *easy, CURLoption option, ...);
CURLcode __real_curl_easy_getinfo(CURL *easy, CURLINFO info, ...);
CURLM *__real_curl_multi_init(void);
CURLMcode __real_curl_multi_setopt(CURLM *multi, CURLMoption option, ...);
CURLMcode __real_curl_multi_add_handle(CURLM *multi, CURL *easy);
CURLMcode __real_curl_multi_socket_action(CURLM *multi, curl_socket_t socket, int events, int *running);
struct curl_slist *__real_curl_slist_append(struct curl_slist *list, const char *text);
CURLU *__real_curl_url(void);
CURLUcode __real_curl_url_set(CURLU *url, CURLUPart part, const char *text, unsigned int flags);
CURLUcode __real_curl_url_get(const CURLU *url, CURLUPart part, char **text, unsigned int flags);

CURL *__wrap_curl_easy_init(void)
{
	return fault_now(LIBCURL, "curl_easy_init") ? NULL : __real_curl_easy_init();
}

CURLcode __wrap_curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
	va_list arguments;
	void *value;

	va_start(arguments, option);
	value = va_arg(arguments, void *);
	va_end(arguments);
	return fault_now(LIBCURL, "curl_easy_setopt") ? CURLE_OUT_OF_MEMORY : __real_curl_easy_setopt(easy, option, value);
}

CURLcode __wrap_curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
	va_list arguments;
	void *value;

	va_start(arguments, info);
	value = va_arg(arguments, void *);
	va_end(arguments);
	return fault_now(LIBCURL, "curl_easy_getinfo") ? CURLE_UNKNOWN_OPTION : __real_curl_easy_getinfo(easy, info, value);
}

CURLM *__wrap_curl_multi_init(void)
{
	return fault_now(LIBCURL, "curl_multi_init") ? NULL : __real_curl_multi_init();
}

CURLMcode __wrap_curl_multi_setopt(CURLM *multi, CURLMoption option, ...)
{
	va_list arguments;
	void *value;

	va_start(arguments, option);
	value = va_arg(arguments, void *);
	va_end(arguments);
	return fault_now(LIBCURL, "curl_multi_setopt") ? CURLM_UNKNOWN_OPTION
												   : __real_curl_multi_setopt(multi, option, value);
}

CURLMcode __wrap_curl_multi_add_handle(CURLM *multi, CURL *easy)
{
	return fault_now(LIBCURL, "curl_multi_add_handle") ? CURLM_OUT_OF_MEMORY
													   : __real_curl_multi_add_handle(multi, easy);
}

CURLMcode __wrap_curl_multi_socket_action(CURLM *multi, curl_socket_t socket, int events, int *running)
{
	return fault_now(MULTI, "curl_multi_socket_action")
				   ? CURLM_INTERNAL_ERROR
				   : __real_curl_multi_socket_action(multi, socket, events, running);
}

struct curl_slist *__wrap_curl_slist_append(struct curl_slist *list, const char *text)
{
	return fault_now(LIBCURL, "curl_slist_append") ? NULL : __real_curl_slist_append(list, text);
}

CURLU *__wrap_curl_url(void)
{
	return fault_now(LIBCURL, "curl_url") ? NULL : __real_curl_url();
}

CURLUcode __wrap_curl_url_set(CURLU *url, CURLUPart part, const char *text, unsigned int flags)
{
	return fault_now(LIBCURL, "curl_url_set") ? CURLUE_OUT_OF_MEMORY : __real_curl_url_set(url, part, text, flags);
}

CURLUcode __wrap_curl_url_get(const CURLU *url, CURLUPart part, char **text, unsigned int flags)
{
	return fault_now(LIBCURL, "curl_url_get") ? CURLUE_OUT_OF_MEMORY : __real_curl_url_get(url, part, text, flags);
}
