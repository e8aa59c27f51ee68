// SPDX-License-Identifier: BSD-2-Clause
/* The link that leads look-ups for sockets to poise_local. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/lb_impl.h"
#include "kernel/local_impl.h"
#include "maps/pins.h"
#include "poise/hash.h"

#include "gen/local.skel.h" /* needs the types above */

#define NETNS_SELF "/proc/thread-self/ns/net"

static int program_fd(const struct local *local)
{
	return bpf_program__fd(local->skel->progs.poise_local);
}

/* Returns 1 if a link directs this network namespace's socket look-ups, 0 if not, or -errno. *gone
 * says that its namespace no longer exists. */
static int is_here(int fd, bool *gone)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	struct stat self;

	if (stat(NETNS_SELF, &self))
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	*gone = !info.netns.netns_ino;
	return info.type == BPF_LINK_TYPE_NETNS && info.netns.netns_ino == self.st_ino;
}

/* The pinned one, if it leads anything. 0: there is none; 1: local->link_fd; -errno with *error. */
static int link_adopt(struct local *local, const char *path, struct lb_error *error)
{
	int fd = bpf_obj_get(path), here;
	bool gone = false;

	if (fd < 0)
		return 0;
	here = is_here(fd, &gone);
	if (here == 1) {
		local->link_fd = fd;
		local->behind = true;
		return 1;
	}
	close(fd);
	if (!here && !gone) {
		lb_error_set(error, "mode local: this instance serves another network namespace:"
				    " choose another --instance");
		return -EBUSY;
	}
	if (!here && unlink(path))
		here = -errno;
	if (here)
		lb_error_set(error, "%s: %s", path, strerror(-here));
	return here;
}

static int link_make(struct local *local, const char *path)
{
	int netns = open(NETNS_SELF, O_RDONLY | O_CLOEXEC), fd, err;

	if (netns < 0)
		return -errno;
	fd = bpf_link_create(program_fd(local), netns, BPF_SK_LOOKUP, NULL);
	close(netns);
	if (fd < 0)
		return fd;
	err = bpf_obj_pin(fd, path);
	if (err)
		close(fd);
	else
		local->link_fd = fd;
	return err;
}

int local_attach(struct local *local, struct lb_error *error)
{
	char path[PATH_MAX];
	int err = local_pin_path(local->dir, "link", path, sizeof(path));

	if (local->link_fd >= 0)
		return 0;
	if (!err)
		err = link_adopt(local, path, error);
	if (err)
		return err < 0 ? err : 0;
	err = link_make(local, path);
	if (err)
		lb_error_set(error, "mode local: sk_lookup cannot be attached: %s", strerror(-err));
	return err;
}

int local_switch(struct local *local)
{
	int err = local->behind ? bpf_link_update(local->link_fd, program_fd(local), NULL) : 0;

	local->behind = local->behind && err;
	return err;
}

int local_remove(const struct lb *lb)
{
	return pins_remove_local(lb->dir);
}
