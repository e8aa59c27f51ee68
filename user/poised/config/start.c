// SPDX-License-Identifier: BSD-2-Clause
/* Start and end of what control.c keeps. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maps/bpffs.h"
#include "config/control_impl.h"
#include "base/log.h"
#include "config/notify.h"
#include "maps/pins.h"

/* The state of an earlier poised. One that cannot be read is put aside, not lost. */
static int state_read(const struct control *control, struct state *state)
{
	const char *path = control->instance.state_file;
	char aside[PATH_MAX];
	int err = path[0] ? state_load(path, state) : -ENOENT;

	if (err != -EPROTO)
		return err == -ENOENT ? 0 : err;
	snprintf(aside, sizeof(aside), "%s.unreadable", path);
	if (rename(path, aside))
		return -errno;
	log_warn("%s: not a state file: moved to %s; changes made at run time are lost", path,
		 aside);
	return 0;
}

/* Flows keep their backends over a reboot only if the seed does; pinned maps know theirs. */
static void seed_choose(const struct conf *conf, const struct state *state,
			struct lb_options *options)
{
	options->seed_set = conf->seed_set;
	memcpy(options->seed, conf->seed, sizeof(options->seed));
	options->last_seed_set = state->running != NULL;
	memcpy(options->last_seed, state->seed, sizeof(options->last_seed));
}

static int kernel_open(struct control *control, const struct conf *conf, const struct state *state)
{
	struct lb_options options = { .instance_dir = control->pin_dir,
				      .max_targets = conf->max_backends,
				      .flows = conf->flows,
				      .nat_flows = conf->nat_flows,
				      .nat_port_first = conf->nat_port_first,
				      .nat_port_last = conf->nat_port_last };
	struct lb_error error = { "" };
	const char *name = control->instance.name;
	int err;

	control->nat = (struct control_nat){ .flows = conf->nat_flows,
					     .port_first = conf->nat_port_first,
					     .port_last = conf->nat_port_last };
	/* A transient poised that was killed may have left pins. */
	if (control->instance.transient &&
	    !bpffs_instance_dir(name, 0, control->pin_dir, sizeof(control->pin_dir)))
		lb_remove(control->pin_dir);
	err = bpffs_instance_dir(name, 1, control->pin_dir, sizeof(control->pin_dir));
	if (err) {
		log_err("no BPF file system for instance %s: %s", name, strerror(-err));
		return err;
	}
	control->pins_made = !pins_exist(control->pin_dir);
	seed_choose(conf, state, &options);
	err = lb_open(&options, &control->lb, &error);
	if (err)
		log_err("%s", error.text);
	return err;
}

/* The packet path has to know which addresses are this host's. */
static void own_addresses(void *arg, const struct own *own)
{
	const struct control *control = arg;
	int err = lb_own_set(control->lb, own->addrs, own->addr_count);

	if (err)
		log_warn("not all of this host's addresses are known to the packet path: %s",
			 strerror(-err));
}

static int modules_open(struct control *control)
{
	struct model_deps deps = { .loop = control->loop,
				   .lb = control->lb,
				   .health_changed = control_health_changed,
				   .arg = control };
	int err = nexthop_open(control->loop, &control->nexthops);

	if (err) {
		log_err("routes and neighbours cannot be read: %s", strerror(-err));
		return err;
	}
	err = own_watch(control->loop, own_addresses, control, &control->own);
	if (err) {
		log_err("this host's addresses cannot be read: %s", strerror(-err));
		return err;
	}
	err = checker_open(control->loop, &control->checker);
	if (err) {
		log_err("checks cannot be started: %s", strerror(-err));
		return err;
	}
	deps.nexthops = control->nexthops;
	deps.checker = control->checker;
	err = reconcile_open(&deps, &control->model);
	if (!err && lb_adopted(control->lb))
		err = reconcile_adopt(control->model);
	if (err)
		log_err("the pinned maps cannot be taken over: %s", strerror(-err));
	return err;
}

/* Returns the file's configuration with what was changed at run time since it was last read. */
static json_t *desired_tree(const struct control *control, const struct state *state)
{
	if (!state->running)
		return json_incref(control->file_tree);
	return conf_merge(state->file, state->running, control->file_tree);
}

static void refusal_log(const struct control *control, const struct refusal *refusal)
{
	char text[640];

	log_err("%s", conf_error_format(&refusal->error, refusal->error.line ? control->file : NULL,
					text, sizeof(text)));
}

static int run(struct control *control, const struct state *state)
{
	json_t *desired = desired_tree(control, state);
	struct refusal refusal = { .error.text = "out of memory" };
	struct conf *conf = NULL;
	int err = -ENOMEM;

	/* Decoded once more when it is applied: here for what the maps are made with. */
	if (desired)
		err = conf_decode(desired, NULL, &conf, &refusal.error);
	if (err)
		refusal_log(control, &refusal);
	else
		err = kernel_open(control, conf, state);
	if (!err)
		err = modules_open(control);
	if (!err) {
		if (state->health)
			reconcile_health_restore(control->model, state->health);
		err = control_set(control, desired, true, &refusal);
		if (err == -EAGAIN) {
			reconcile_wait(control->model);
			err = control_set(control, desired, false, &refusal);
		}
		if (err)
			refusal_log(control, &refusal);
	}
	conf_free(conf);
	json_decref(desired);
	return err;
}

static void timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* Lets go of everything but the pins, unless these are to go. */
static void release(struct control *control, bool unpin)
{
	int err;

	reconcile_close(control->model);
	checker_close(control->checker);
	nexthop_close(control->nexthops);
	own_unwatch(control->own);
	lb_close(control->lb);
	err = unpin ? lb_remove(control->pin_dir) : 0;
	if (err && err != -ENOENT)
		log_err("%s: not removed: %s", control->pin_dir, strerror(-err));
	json_decref(control->file_tree);
	json_decref(control->running);
	instance_close(&control->instance);
	if (control->timer_open)
		uv_close((uv_handle_t *)&control->save_timer, timer_closed);
	else
		free(control);
}

/* A failed start leaves no pins behind, but where it found some: these serve. */
static void start_undo(struct control *control)
{
	release(control,
		control->pins_made || (control->instance.transient && control->pin_dir[0]));
}

void control_ready(struct control *control)
{
	char status[64];

	control_status(control, status, sizeof(status));
	log_info("instance %s is ready: %s%s", control->instance.name, status,
		 lb_adopted(control->lb) ? "; went on with what was published" : "");
	notify_ready(status);
}

void control_stop(struct control *control)
{
	if (!control)
		return;
	control_save_pending(control);
	release(control, control->instance.transient);
}

int control_start(const struct control_options *options, struct control **out)
{
	struct control *control = calloc(1, sizeof(*control));
	struct state state = { 0 };
	struct refusal refusal;
	int err;

	if (!control)
		return -ENOMEM;
	control->loop = options->loop;
	control->started_ms = uv_now(options->loop);
	control->file = options->file;
	control->file_needed = options->file_needed;
	control->instance.lock = -1;
	err = control_file_read(control, NULL, &control->file_tree, &refusal);
	if (err) {
		char text[640];

		log_err("%s", conf_error_format(&refusal.error, control->file, text, sizeof(text)));
	}
	if (!err)
		err = instance_open(options->instance, options->transient, &control->instance);
	if (!err) {
		err = state_read(control, &state);
		if (err)
			log_err("%s: %s", control->instance.state_file, strerror(-err));
	}
	if (!err) {
		uv_timer_init(control->loop, &control->save_timer);
		control->save_timer.data = control;
		control->timer_open = true;
		err = run(control, &state);
	}
	state_free(&state);
	if (err)
		start_undo(control);
	else
		*out = control;
	return err;
}
