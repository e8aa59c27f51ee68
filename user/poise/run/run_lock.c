// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "base/run_dir.h"
#include "run/run_lock.h"

/* No name of an instance begins so. */
#define LOCK_PATH RUN_DIR "/.run.lock"

/* Who releases it removes it: then what was waited for is nobody's lock any more. */
static bool is_there(int fd)
{
	struct stat held, there;

	return !fstat(fd, &held) && !stat(LOCK_PATH, &there) && held.st_ino == there.st_ino;
}

int run_lock_take(int *out)
{
	bool told = false;
	int fd;

	for (;;) {
		/* The last one may just have taken the directory along. */
		if (mkdir(RUN_DIR, 0755) && errno != EEXIST)
			return command_refuse("%s: %s", RUN_DIR, strerror(errno));
		fd = open(LOCK_PATH, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return command_refuse("%s: %s", LOCK_PATH, strerror(errno));
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			if (!told)
				fputs("hint: another poise run is starting: waiting for it\n",
				      stderr);
			told = true;
			flock(fd, LOCK_EX);
		}
		if (is_there(fd))
			break;
		close(fd);
	}
	*out = fd;
	return EXIT_DONE;
}

void run_lock_release(int *fd)
{
	if (*fd < 0)
		return;
	unlink(LOCK_PATH);
	close(*fd);
	rmdir(RUN_DIR);
	*fd = -1;
}
