/*
 * web.h: what exercise 16 has ready: how to ask the slow page server, and by
 * hand a server to ask. Nothing in here is to be changed.
 */
#ifndef WEB_H
#define WEB_H

#include "harness.h"
#include <curl/curl.h>
#include <sys/prctl.h>

enum { PER_PAGE = 200, MOST_PAGES = 64, BODY = 16384 };

/* What a page has. */
struct page {
    int count; /* items; 0: nothing is known of this page */
    long sum;  /* of its items */
};

struct web_body {
    char *text;
    size_t size;
};

static inline size_t web_keep(char *data, size_t one, size_t size, void *to)
{
    struct web_body *body = (struct web_body *)to;
    if (body->size + size >= BODY)
        return 0; /* too much: curl gives up */
    memcpy(body->text + body->size, data, one * size);
    body->size += size;
    body->text[body->size] = '\0';
    return size;
}

/* Asks the server for a target, such as "/api?page=3&count=200", and sets
   `body`, of BODY bytes, to what comes. Returns the HTTP status: 200 if all is
   well. Or failure, -1, if there was no whole reply. */
static inline int web_get(CURL *handle, const char *server, const char *target,
                          char *body)
{
    struct web_body kept = { body, 0 };
    char url[WITNESS_TEXT];
    long status = 0;
    body[0] = '\0';
    snprintf(url, sizeof url, "asks %s", target);
    witness_tell(url);
    snprintf(url, sizeof url, "http://server%s", target);
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, server);
    curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, web_keep);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &kept);
    CURLcode code = curl_easy_perform(handle);
    if (code != CURLE_OK)
        return pool_fail("%s: %s", target, curl_easy_strerror(code));
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

/* The total that a reply names; -1 if it names none. */
static inline long web_total(const char *body)
{
    const char *at = strstr(body, "\"total\":");
    return at ? strtol(at + 8, NULL, 10) : -1;
}

/* The items of a reply; none if it has none. */
static inline struct page web_page(const char *body)
{
    struct page page = { 0, 0 };
    const char *at = strstr(body, "\"items\":[");
    char *end = NULL;
    for (at = at ? at + 9 : ""; *at && *at != ']'; at = end + (*end == ',')) {
        page.sum += strtol(at, &end, 10);
        page.count++;
    }
    return page;
}

/* By hand: a server of 1930 items beside the program, each page of which takes
   0.1 s. What is between web_begin() and the end of the program runs in a
   child: so it has no child but its own. */
static inline void web_begin(const char *server)
{
    pid_t serving = fork();
    if (serving == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execl("build/server", "server", "--unix", server, "--total", "1930",
              "--latency", "100", NULL);
        fprintf(stderr, "there is no build/server: make server\n");
        _exit(127);
    }
    while (access(server, F_OK) != 0 && waitpid(serving, NULL, WNOHANG) == 0)
        usleep(1000);
    pid_t program = fork();
    if (program == 0)
        return;
    int status;
    signal(SIGINT, SIG_IGN); /* it ends the child */
    waitpid(program, &status, 0);
    kill(serving, SIGTERM);
    waitpid(serving, NULL, 0);
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

#endif
