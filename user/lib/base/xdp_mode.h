/* SPDX-License-Identifier: BSD-2-Clause */
/* An XDP program is attached in one of these modes. */
#ifndef POISE_XDP_MODE_H
#define POISE_XDP_MODE_H

enum xdp_mode {
	XDP_MODE_AUTO, /* native, or generic where the driver has no native mode */
	XDP_MODE_NATIVE,
	XDP_MODE_GENERIC,
};

#endif
