/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP and JSON over the instance's unix socket, served from the daemon's loop. */
#ifndef POISE_API_H
#define POISE_API_H

struct uv_loop_s;
struct control;
struct api;

/* Listens on the instance's socket (mode 0660). Says why it cannot. 0 or -errno. */
int api_open(struct uv_loop_s *loop, struct control *control, struct api **out);
/* Drops every client. NULL is fine. The loop must run once more. */
void api_close(struct api *api);

#endif
