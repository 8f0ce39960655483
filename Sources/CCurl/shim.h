// libcurl, whose functions of variable arguments Swift cannot call, with one of fixed arguments for each type.
#include <curl/curl.h>

static inline CURLcode curl_set_number(CURL *transfer, CURLoption option, long value) {
  return curl_easy_setopt(transfer, option, value);
}

static inline CURLcode curl_set_text(CURL *transfer, CURLoption option, const char *value) {
  return curl_easy_setopt(transfer, option, value);
}

static inline CURLcode curl_set_pointer(CURL *transfer, CURLoption option, void *value) {
  return curl_easy_setopt(transfer, option, value);
}

static inline CURLcode curl_set_callback(CURL *transfer, CURLoption option, curl_write_callback value) {
  return curl_easy_setopt(transfer, option, value);
}

static inline CURLcode curl_get_number(CURL *transfer, CURLINFO info, long *value) {
  return curl_easy_getinfo(transfer, info, value);
}

static inline CURLcode curl_get_size(CURL *transfer, CURLINFO info, curl_off_t *value) {
  return curl_easy_getinfo(transfer, info, value);
}

// Only the web, also where a server sends elsewhere. Older versions know the number and not the text.
static inline CURLcode curl_allow_only_web(CURL *transfer) {
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(transfer, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  return curl_easy_setopt(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(transfer, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  return curl_easy_setopt(transfer, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}
