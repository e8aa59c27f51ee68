// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "maps/bpffs.h"
#include "config/control_impl.h"
#include "config/interfaces.h"
#include "kernel/lb_room.h"
#include "base/log.h"
#include "config/nat_host.h"
#include "config/notify.h"

#define SAVE_DELAY_MS 100
#define SAVE_SHARE    10 /* of its time the loop may spend on saving: one part in so many */

const json_t *control_running(const struct control *control)
{
	return control->running;
}

struct model *control_reconcile(const struct control *control)
{
	return control->model;
}

struct lb *control_lb(const struct control *control)
{
	return control->lb;
}

const struct control_nat *control_nat(const struct control *control)
{
	return &control->nat;
}

long control_uptime_s(const struct control *control)
{
	return (uv_now(control->loop) - control->started_ms) / 1000;
}

const struct instance *control_instance(const struct control *control)
{
	return &control->instance;
}

/* ---- the state file */

static void save(struct control *control, bool durable)
{
	struct state state = { .file = control->file_tree, .running = control->running };
	__u64 began_ns = uv_hrtime();
	int err = -ENOMEM;

	uv_timer_stop(&control->save_timer);
	if (!control->instance.state_file[0])
		return;
	memcpy(state.seed, lb_seed(control->lb), sizeof(state.seed));
	state.health = reconcile_health_encode(control->model);
	if (state.health)
		err = state_save(control->instance.state_file, &state, durable);
	json_decref(state.health);
	if (err)
		log_err("%s: not saved: %s", control->instance.state_file, strerror(-err));
	control->save_ms = (uv_hrtime() - began_ns) / 1000000;
}

static void save_due(uv_timer_t *timer)
{
	save(timer->data, false);
}

/* Rows come first; a hundred backends that change together are written once. */
void control_health_changed(void *arg)
{
	struct control *control = arg;
	__u64 delay_ms = SAVE_SHARE * control->save_ms;

	if (delay_ms < SAVE_DELAY_MS)
		delay_ms = SAVE_DELAY_MS;
	if (!uv_is_active((uv_handle_t *)&control->save_timer))
		uv_timer_start(&control->save_timer, save_due, delay_ms, 0);
}

void control_save_pending(struct control *control)
{
	if (uv_is_active((uv_handle_t *)&control->save_timer))
		save(control, true);
}

/* ---- the configuration file */

int control_file_read(const struct control *control, const struct conf *running, json_t **out,
		      struct refusal *refusal)
{
	struct conf_error *error = &refusal->error;
	conf_marks *marks = NULL;
	struct conf *conf = NULL;
	json_t *tree = NULL;
	int err;

	memset(refusal, 0, sizeof(*refusal));
	refusal->status = 400;
	err = conf_tree_from_file(control->file, &tree, &marks, error);
	if (err == -ENOENT && !control->file_needed) {
		log_info("%s: not there: taken as an empty configuration", control->file);
		tree = json_object();
		err = tree ? 0 : -ENOMEM;
	}
	if (!err)
		err = conf_decode(tree, marks, &conf, error);
	if (!err)
		err = interfaces_validate(conf, running, marks, error);
	if (!err)
		err = nat_host_validate(conf, running, marks, error);
	if (!err) {
		*out = conf_encode(conf);
		err = *out ? 0 : -ENOMEM;
	}
	conf_free(conf);
	json_decref(tree);
	json_decref(marks);
	if (err && !error->text[0])
		snprintf(error->text, sizeof(error->text), "%s", strerror(-err));
	return err;
}

/* ---- applying */

static void warn_nat_fixed(const struct control *control, const struct conf *conf)
{
	const struct control_nat *nat = &control->nat;
	__u32 sets, flows = nat->flows;
	char want[16], now[16];

	/* A table that was found keeps its size. */
	if (lb_nat_table(control->lb, &sets))
		flows = sets * NAT_PER_SET / 2;
	if (conf->nat_port_first != nat->port_first || conf->nat_port_last != nat->port_last)
		log_warn("nat_ports: %u-%u takes effect when poised is started again; until then"
			 " %u-%u",
			 conf->nat_port_first, conf->nat_port_last, nat->port_first,
			 nat->port_last);
	if (conf->nat_flows != flows)
		log_warn("nat_flows: %s takes effect when poised is started again and makes the "
			 "table; until then %s",
			 lb_flows_text(conf->nat_flows, want), lb_flows_text(flows, now));
}

static void warn_fixed(const struct control *control, const struct conf *conf)
{
	const __u64 *seed = lb_seed(control->lb);
	__u32 sets;

	lb_flows(control->lb, &sets);
	if (conf->max_backends > lb_max_targets(control->lb))
		log_warn("max_backends: %u takes effect when poised is started again; until then "
			 "%u",
			 conf->max_backends, lb_max_targets(control->lb));
	if (conf->flows != sets * FLOWS_PER_SET)
		log_warn("flows: %u takes effect when poised is started again; until then %u",
			 conf->flows, sets * FLOWS_PER_SET);
	warn_nat_fixed(control, conf);
	if (conf->seed_set && (conf->seed[0] != seed[0] || conf->seed[1] != seed[1]))
		log_warn("seed: takes effect when poised is started again");
}

/*
 * Attaches before anything else, as that is what may be refused; but where there were no maps to
 * adopt, after: an older program goes on meanwhile, and a new one is not to meet empty maps.
 */
static int publish(struct control *control, struct conf *conf, struct conf_error *error)
{
	bool attach_last = !reconcile_conf(control->model) && !lb_adopted(control->lb);
	size_t count;
	struct lb_link *before = interfaces_links(control->lb, &count);
	int err = before ? 0 : -ENOMEM;

	if (!err && !attach_last)
		err = interfaces_attach(control->lb, conf, error);
	if (!err)
		err = reconcile_apply(control->model, conf, error);
	if (err) {
		conf_free(conf);
	} else if (attach_last) {
		err = interfaces_attach(control->lb, conf, error);
	}
	if (!err)
		interfaces_detach(control->lb, reconcile_conf(control->model));
	else if (before)
		interfaces_restore(control->lb, before, count);
	free(before);
	return err;
}

int control_set(struct control *control, const json_t *tree, bool may_wait, struct refusal *refusal)
{
	struct conf_error *error = &refusal->error;
	struct conf *conf = NULL;
	json_t *running;
	int err;

	memset(refusal, 0, sizeof(*refusal));
	refusal->status = 400;
	err = conf_decode(tree, NULL, &conf, error);
	if (!err)
		err = interfaces_validate(conf, reconcile_conf(control->model), NULL, error);
	if (!err)
		err = nat_host_validate(conf, reconcile_conf(control->model), NULL, error);
	if (!err && may_wait)
		err = reconcile_room(control->model, conf);
	running = err ? NULL : conf_encode(conf);
	if (!err && !running)
		err = -ENOMEM;
	if (err) {
		conf_free(conf);
	} else {
		warn_fixed(control, conf);
		nat_host_warn(conf, reconcile_conf(control->model));
		err = publish(control, conf, error);
	}
	if (!err) {
		json_decref(control->running);
		control->running = running;
		save(control, true);
		return 0;
	}
	json_decref(running);
	if (!error->text[0])
		snprintf(error->text, sizeof(error->text), "%s", strerror(-err));
	if (err == -ENOMEM)
		refusal->status = 500;
	return err;
}

void control_await(struct control *control, struct sweep_wait *wait)
{
	reconcile_await(control->model, wait);
}

void control_status(const struct control *control, char *buf, size_t size)
{
	const struct conf *conf = reconcile_conf(control->model);
	size_t backends = 0;

	for (size_t i = 0; i < conf->service_count; i++)
		backends += conf->services[i].backend_count;
	snprintf(buf, size, "%zu service%s, %zu backend%s", conf->service_count,
		 conf->service_count == 1 ? "" : "s", backends, backends == 1 ? "" : "s");
}

static int reload(struct control *control, bool may_wait, struct refusal *refusal)
{
	json_t *file, *merged;
	int err = control_file_read(control, reconcile_conf(control->model), &file, refusal);

	if (err)
		return err;
	merged = conf_merge_canonical(control->file_tree, control->running, file);
	if (!merged) {
		json_decref(file);
		refuse(refusal, 500, NULL, "out of memory");
		return -ENOMEM;
	}
	err = control_set(control, merged, may_wait, refusal);
	json_decref(merged);
	if (err) {
		json_decref(file);
		return err;
	}
	json_decref(control->file_tree);
	control->file_tree = file;
	save(control, true);
	return 0;
}

int control_reload(struct control *control, bool may_wait, struct refusal *refusal)
{
	char text[640], status[64];
	int err;

	notify_reloading();
	err = reload(control, may_wait, refusal);
	if (err == -EAGAIN)
		return err;
	control_status(control, status, sizeof(status));
	notify_ready(status);
	if (err) {
		conf_error_format(&refusal->error, control->file, text, sizeof(text));
		log_err("reload refused, nothing is changed: %s", text);
		snprintf(refusal->error.text, sizeof(refusal->error.text), "%.*s",
			 (int)sizeof(refusal->error.text) - 1, text);
	} else {
		log_info("%s reloaded: %s", control->file, status);
	}
	return err;
}

static void reload_again(void *arg)
{
	struct control *control = arg;
	struct refusal refusal;

	control->reload_waits = false;
	control_reload(control, false, &refusal);
}

void control_reload_soon(struct control *control)
{
	struct refusal refusal;

	/* The one that waits reads the file as it will be then. */
	if (control->reload_waits || control_reload(control, true, &refusal) != -EAGAIN)
		return;
	control->reload_waits = true;
	control->reload_wait = (struct sweep_wait){ .done = reload_again, .arg = control };
	control_await(control, &control->reload_wait);
}
