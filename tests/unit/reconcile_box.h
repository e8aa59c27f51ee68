/* SPDX-License-Identifier: BSD-2-Clause */
/* A poised over the fake kernel: started, stopped, told of configurations and events. */
#ifndef POISE_TEST_RECONCILE_BOX_H
#define POISE_TEST_RECONCILE_BOX_H

#include "fake_events.h"
#include "fake_kernel.h"

#define ROWS 251

static uv_loop_t loop;
static struct reconcile *rec;
static struct conf_error problem;
static unsigned int health_changes;

static inline void health_changed(void *arg)
{
	(void)arg;
	health_changes++;
}

/* Passes happen when a test asks for them, in its own time. */
static inline void sweeper_stop(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (handle->type == UV_TIMER && handle->data != rec)
		uv_timer_stop((uv_timer_t *)handle);
}

static inline void turn(void)
{
	for (int i = 0; i < 10; i++) {
		uv_walk(&loop, sweeper_stop, NULL);
		if (uv_is_active((uv_handle_t *)&rec->later)) {
			uv_timer_stop(&rec->later);
			rec->later.timer_cb(&rec->later);
		}
		uv_run(&loop, UV_RUN_NOWAIT);
	}
}

static inline void daemon_start(void)
{
	const struct reconcile_deps deps = { .loop = &loop, .health_changed = health_changed };

	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(reconcile_open(&deps, &rec), 0);
}

static inline void daemon_stop(void)
{
	reconcile_close(rec);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	rec = NULL;
}

/* kill -9 and start again: nothing is tidied up in the maps. */
static inline void daemon_restart(void)
{
	kernel.dead = kernel.was_killed = true;
	daemon_stop();
	kernel.dead = false;
	kernel.stores_left = 0;
	daemon_start();
	assert_int_equal(reconcile_adopt(rec), 0);
	kernel.targets_set = kernel.rows_set = kernel.entries_set = kernel.tables_made = 0;
}

static inline int setup(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	kernel.time_ns = 1000 * SECOND_NS;
	health_changes = 0;
	daemon_start();
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	daemon_stop();
	for (size_t i = 0; i < FAKE_SERVICES; i++)
		free(kernel.tables[i].rows);
	for (size_t i = 0; i < FAKE_WATCHES; i++) {
		assert_null(watches[i]);
		assert_null(checks[i]);
	}
	return 0;
}

/* JSON in single quotes. */
static inline int apply(const char *text)
{
	char quoted[8192];
	struct conf *conf = NULL;
	json_t *tree;
	int err;

	snprintf(quoted, sizeof(quoted), "%s", text);
	for (char *c = quoted; *c; c++)
		if (*c == '\'')
			*c = '"';
	tree = json_loads(quoted, 0, NULL);
	assert_non_null(tree);
	if (conf_decode(tree, NULL, &conf, &problem))
		fail_msg("%s: %s", problem.path, problem.text);
	json_decref(tree);
	err = reconcile_apply(rec, conf, &problem);
	if (err)
		conf_free(conf);
	packets_fare_well();
	return err;
}

/* "web" at 192.0.2.10:80/tcp; more: other keys, "" or "'mode': ..., " */
static inline int apply_web(const char *more, const char *backends)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "{'services': [{'name': 'web', 'listen': '192.0.2.10:80/tcp', %s 'rows': 251,"
		 " 'backends': [%s]}]}",
		 *more ? more : "'mode': 'ipip',", backends);
	return apply(text);
}

static inline struct run_backend *backend(const char *service, const char *id)
{
	struct run_service *found = service_find(rec, service);
	struct addr addr;
	__u16 port;

	assert_non_null(found);
	assert_int_equal(endpoint_parse(id, &addr, &port), 0);
	return backend_find(found, &addr, port);
}

/* So long later, a pass over the flow table and what follows from it. */
static inline void pass_after(unsigned int time_ms)
{
	kernel.time_ns += time_ms * 1000000ULL;
	sweeper_pass(rec->sweeper);
	turn();
}

/* Rows that packets find with this previous target. */
static inline unsigned int rows_moving_from(const char *service, __u16 target)
{
	const struct run_service *found = service_find(rec, service);
	const struct row *rows = kernel.tables[found->number].rows;
	unsigned int count = 0;

	for (__u32 i = 0; i < found->row_count; i++)
		count += rows[i].previous_target == target;
	return count;
}

/* Rows that packets find naming a backend; those of nobody with id NULL. */
static inline unsigned int rows_of(const char *service, const char *id)
{
	const struct run_service *found = service_find(rec, service);
	__u16 target = id ? backend(service, id)->target : 0;
	struct service value = { 0 };
	unsigned int count = 0;

	assert_int_equal(lb_service_get(NULL, &found->key, &value), 0);
	for (__u32 i = 0; i < value.row_count; i++)
		count += kernel.tables[value.number].rows[i].current_target == target;
	return count;
}

static inline void hop_tell(const char *text, enum nexthop_state state, bool direct)
{
	struct nexthop hop = { .state = state,
			       .ifindex = 2,
			       .ifname = "eth0",
			       .mtu = 1500,
			       .src_mac = { 2, 0, 0, 0, 0, 1 },
			       .dst_mac = { 2, 0, 0, 0, 0, 2 },
			       .direct = direct };
	struct addr addr;
	bool told = false;

	assert_int_equal(addr_parse(text, &addr), 0);
	assert_int_equal(addr_parse("10.0.0.1", &hop.source), 0);
	hop.gateway = addr;
	for (size_t i = 0; i < FAKE_WATCHES; i++) {
		if (!watches[i] || !addr_equal(&watches[i]->addr, &addr))
			continue;
		watches[i]->changed(watches[i]->arg, &hop);
		told = true;
	}
	assert_true(told);
	turn();
}

static inline void hop_ready(const char *text)
{
	hop_tell(text, NEXTHOP_READY, true);
}

static inline const struct check *check_of(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	for (size_t i = 0; i < FAKE_WATCHES; i++)
		if (checks[i] && addr_equal(&checks[i]->addr, &addr))
			return checks[i];
	return NULL;
}

static inline void health_tell(const char *text, enum poise_health health)
{
	const struct check *check = check_of(text);

	assert_non_null(check);
	check->changed(check->arg, health, "connection refused");
	turn();
}

#endif
