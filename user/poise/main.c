// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <locale.h>
#include <string.h>

#include "base/log.h"
#include "objects/objects.h"

int main(int argc, char **argv)
{
	int words = argc > 0 ? argc - 1 : 0, status;

	log_init("poise");
	/* For what tables take as one column; numbers keep their points. */
	setlocale(LC_CTYPE, "");
	status = command_run(objects, object_count, words, argv + argc - words);
	/* A full disk must not look like success. */
	if ((fflush(stdout) || ferror(stdout)) && status == EXIT_DONE)
		status = command_refuse("standard output: %s", strerror(errno));
	return status;
}
