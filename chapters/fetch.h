/*
 * fetch.h: how chapter 16 fetches a page, shown there.
 *
 * libcurl speaks HTTP. Where it is missing, the first handle says so and ends
 * the program with status 77: cannot run here. CHAPTER is the program's name.
 */
#ifndef FETCH_H
#define FETCH_H

#include "pool.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct page {
    long status;
    size_t size;
    char text[4096]; /* a zero byte ends it */
};

#if __has_include(<curl/curl.h>)
#include <curl/curl.h>

/* [handle] */
static CURL *handle; /* one for each process: it holds open connections */

static int make_handle(void *unused) /* an initializer */
{
    (void)unused;
    handle = curl_easy_init();
    return handle ? 0 : pool_fail("curl_easy_init failed");
}
/* [/handle] */

static inline void end_handle(void)
{
    curl_easy_cleanup(handle);
    handle = NULL;
}

/* Once, before there is a second thread or a pool. */
static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == 0)
        return;
    fprintf(stderr, CHAPTER ": curl_global_init failed\n");
    exit(EXIT_FAILURE);
}

static size_t keep(char *data, size_t one, size_t size, void *to)
{
    struct page *page = to;
    if (size >= sizeof page->text - page->size)
        return 0; /* too much: curl gives up */
    memcpy(page->text + page->size, data, one * size);
    page->size += size;
    return size;
}

/* [fetch] */
/* Fetches a page in at most so many ms, 0: in any time. Returns what went
   wrong, or NULL: then all of it is there, with whatever status. */
static const char *fetch(const char *url, long ms, struct page *page)
{
    memset(page, 0, sizeof *page);
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_NOPROXY, "*"); /* it is on this machine */
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, ms);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, page);
    CURLcode code = curl_easy_perform(handle);
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &page->status);
    switch (code) {
    case CURLE_OK:
        return NULL;
    case CURLE_COULDNT_CONNECT:
        return "nobody listens there";
    case CURLE_OPERATION_TIMEDOUT:
        return "no answer in time";
    case CURLE_PARTIAL_FILE:
        return "the body is cut off";
    default:
        return curl_easy_strerror(code);
    }
}
/* [/fetch] */

static int die(CURL *curl, curl_infotype what, char *data, size_t size,
               void *to)
{
    (void)curl, (void)data, (void)size, (void)to;
    return what == CURLINFO_HEADER_OUT ? raise(SIGKILL) : 0;
}

/* As fetch(), but the process is killed when it has asked. */
static inline const char *ask_and_die(const char *url, struct page *page)
{
    curl_easy_setopt(handle, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(handle, CURLOPT_DEBUGFUNCTION, die);
    return fetch(url, 0, page);
}

#else
static int make_handle(void *unused)
{
    return unused != NULL;
}

static inline void end_handle(void)
{
}

static void start_curl(void)
{
    fprintf(stderr,
            CHAPTER " needs libcurl: apt-get install"
                    " libcurl4-openssl-dev, then make " CHAPTER " again\n");
    exit(77);
}

static const char *fetch(const char *url, long ms, struct page *page)
{
    (void)url, (void)ms, (void)page;
    return "";
}

static inline const char *ask_and_die(const char *url, struct page *page)
{
    return fetch(url, 0, page);
}
#endif

#endif
