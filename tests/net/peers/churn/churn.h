/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of churn_client share this: options, connections, and the counts of them. */
#ifndef CHURN_H
#define CHURN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#define CHURN_NAME_SIZE   32
#define CHURN_ANSWER_SIZE 512 /* HTTP's header lines are the most of it */

enum churn_kind { KIND_BUSY, KIND_IDLE, KIND_SHORT, KIND_MAX };

/* How a connection broke. */
enum churn_why {
	WHY_RESET,
	WHY_CLOSED,  /* ended by the other side in good order, but unasked */
	WHY_STALLED, /* no answer, or not connected, in time */
	WHY_OTHER,   /* answered by another backend, or as another connection */
	WHY_REFUSED, /* never connected */
	WHY_MAX,
};

enum churn_state {
	STATE_CLOSED,
	STATE_CONNECTING,
	STATE_WAITING, /* for an answer */
	STATE_QUIET,   /* until due_ms */
};

struct churn_conn {
	int fd;
	enum churn_kind kind;
	enum churn_state state;
	bool in_round;      /* "ask" and the last round wait for its answer */
	int backend;        /* -1: not known yet */
	long nonce, count;  /* as the last answer said */
	long long due_ms;   /* of the next request; of the next attempt when closed */
	long long since_ms; /* of what it waits for */
	size_t filled;
	char answer[CHURN_ANSWER_SIZE];
};

struct churn_options {
	struct sockaddr_storage server;
	struct sockaddr_storage *sources; /* none: the kernel's choice */
	size_t source_count;
	size_t long_count;
	long busy_percent;
	long every_ms; /* between requests of a busy connection */
	long quiet_ms; /* of an idle one */
	long short_rate;
	long pace; /* new long connections per second */
	long stall_ms;
	long seconds; /* 0: until a signal */
	bool http;
	const char *control;
};

/* Exits with 2 when the command line makes no sense. */
void options_parse(int argc, char **argv, struct churn_options *options);

long long churn_now_ms(void);
/* A random time from half to one and a half of it, so that requests do not come in step. */
long long churn_jitter_ms(long ms);

/* conn.c: results go to the tally; none of these fails. */
void conn_init(const struct churn_options *options, int epoll_fd);
void conn_open(struct churn_conn *conn);
void conn_ask(struct churn_conn *conn);
void conn_ready(struct churn_conn *conn, unsigned int events); /* what epoll says */
void conn_break(struct churn_conn *conn, enum churn_why why);
void conn_close(struct churn_conn *conn); /* in good order */

/* tally.c */
int tally_backend(const char *name); /* its index; made when new, -1 when there are too many */
int tally_find(const char *name);    /* -1: never answered */
void tally_allow(const char *name, bool may_break); /* NULL: all, for false */
void tally_assigned(const struct churn_conn *conn); /* its first answer is there */
void tally_ended(const struct churn_conn *conn);
void tally_broken(const struct churn_conn *conn, enum churn_why why);
void tally_answer(long long took_ms);
long tally_answers(void);
void tally_connected(long long took_ms);
void tally_short(void); /* one has got its answer */
void tally_replaced(void);
long tally_broken_total(void); /* without what was allowed to break */
void tally_report(const struct churn_options *options, size_t established, double seconds);

#endif
