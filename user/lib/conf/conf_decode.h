/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the decoder. Only this room includes it. */
#ifndef POISE_CONF_DECODE_H
#define POISE_CONF_DECODE_H

#include "base/array.h"
#include "base/addr_kind.h"
#include "conf/conf_error.h"

/* The value that an absent key stands for. */
#define CONF_DEFAULT_WEIGHT      100
#define CONF_DEFAULT_INTERVAL_MS 2000
#define CONF_DEFAULT_RISE        2
#define CONF_DEFAULT_FALL        3
#define CONF_DEFAULT_TCP_IDLE_MS 900000
#define CONF_DEFAULT_UDP_IDLE_MS 120000
#define CONF_DEFAULT_NAT_IDLE_MS (120 * CONF_HOUR_MS)
#define CONF_DEFAULT_SETTLE_MS   900000
#define CONF_MIN_ROWS            251
#define CONF_SECOND_MS           1000U
#define CONF_HOUR_MS             3600000U
/* Limits of how long flows are remembered: an entry can tell nine hours ahead from the past. */
#define CONF_MIN_FLOW_MS   CONF_SECOND_MS
#define CONF_MAX_FLOW_MS   (8 * CONF_HOUR_MS)
#define CONF_MAX_NAT_MS    (120 * CONF_HOUR_MS)
#define CONF_MIN_NAT_PORT  POISE_MIN_NAT_PORT /* no port of the system's */
#define CONF_MIN_NAT_PORTS 1024

/* A check has to end before the next one: 1 s, or the interval where that is shorter. */
static inline __u32 conf_default_timeout_ms(__u32 interval_ms)
{
	return interval_ms < 1000 ? interval_ms : 1000;
}

struct decode {
	const conf_marks *marks;
	struct conf_error *error;
	struct conf_path path; /* of what is being decoded: where an error is said to be */
};

/* One key of a mapping: a row of its table drives decoding, limits and what errors say. */
struct field {
	const char *name;
	int (*decode)(struct decode *d, const struct field *field, const json_t *value,
		      void *member);
	size_t offset;        /* of the member that gets the value */
	const char *expected; /* in words */
	__u32 min, max;       /* numbers; durations in milliseconds; counts of list items; which of
				 the words */
	bool required;
	const char *const *words; /* words[min] to words[max] are known */
};

/* All return 0, -EINVAL or -ENOMEM with the error filled in. */
int decode_mapping(struct decode *d, const json_t *value, const struct field *fields, size_t count,
		   void *object);
int decode_list(struct decode *d, const struct field *field, const json_t *value, size_t item_size,
		int (*decode_item)(struct decode *d, const json_t *value, void *item), void **items,
		size_t *count);
int decode_u16(struct decode *d, const struct field *field, const json_t *value, void *member);
int decode_u32(struct decode *d, const struct field *field, const json_t *value, void *member);
int decode_duration(struct decode *d, const struct field *field, const json_t *value, void *member);
int decode_prime(struct decode *d, const struct field *field, const json_t *value, void *member);
/* A power of two, "64K" or 65536; min and max are powers of two. Into a __u32. */
int decode_size(struct decode *d, const struct field *field, const json_t *value, void *member);
/* "30%" or 30. Into a __u8. */
int decode_percent(struct decode *d, const struct field *field, const json_t *value, void *member);
int decode_bool(struct decode *d, const struct field *field, const json_t *value, void *member);
/* One of the field's words: its index into an enum; whether it is the last one into a bool. */
int decode_word(struct decode *d, const struct field *field, const json_t *value, void *member);
int decode_choice(struct decode *d, const struct field *field, const json_t *value, void *member);
/* Text without NUL in it, the tree's own. */
int decode_text(struct decode *d, const char *expected, const json_t *value, const char **out);

/* An address of one of these kinds; else the error ends in also, which may be empty. */
int decode_validate_addr(struct decode *d, const struct addr *addr, unsigned int kinds,
			 const char *also);

/* At the current path: "LAST PART: text"; and "LAST PART: expected X, found Y". -EINVAL. */
__attribute__((format(printf, 2, 3))) int decode_refuse(struct decode *d, const char *format, ...);
int decode_expected(struct decode *d, const char *expected, const json_t *found);

/* A key that only its mapping's other keys give a meaning: decoded after them. */
int decode_later(struct decode *d, const struct field *field, const json_t *value, void *member);

int decode_service(struct decode *d, const json_t *value, void *item);
/* The key mode. Of the modes that share its word it is the first, until decode_by_mode(). */
int decode_mode(struct decode *d, const struct field *field, const json_t *value, void *member);
/* Decodes what depends on a service's mode, after all else: the keys that only some modes take, and
 * kinds of addresses. */
int decode_by_mode(struct decode *d, const json_t *value, struct conf_service *service);

/* Into a struct conf_service: "NET" or "NET,NET". */
int decode_outer_sources(struct decode *d, const struct field *field, const json_t *value,
			 void *member);

/* Into a struct conf. */
int decode_nat_sources(struct decode *d, const struct field *field, const json_t *value,
		       void *member);
int decode_nat_ports(struct decode *d, const struct field *field, const json_t *value,
		     void *member);
void conf_nat_defaults(struct conf *conf);
/* "10240-32767"; NULL: the default ones. */
const char *conf_nat_ports_format(const struct conf *conf, char buf[16]);

/* Refuses what no single value shows: duplicates, sums, families. */
int conf_validate(struct decode *d, const json_t *tree, const struct conf *conf);

extern const char *const conf_hash_names[2];        /* [hash_source] */
extern const char *const conf_track_names[2];       /* [track_always] */
extern const char *const conf_unavailable_names[2]; /* [reject] */
bool conf_default_reject(const struct conf_service *service);

/* "500ms", "2s", "5m", "1h": the largest unit that leaves a whole number. */
const char *conf_duration_format(__u32 duration_ms, char buf[16]);
/* "1000", "64K", "1M": the same with units of 1024. */
const char *conf_size_format(__u32 size, char buf[16]);

#endif
