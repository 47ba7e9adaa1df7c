#include "predict/container_impl.h"

#include <string.h>

const char *first_line(char *buf)
{
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

enum kind {
	KIND_VHD,
	KIND_VMDK_SPARSE,
	KIND_VMDK_TEXT,
	KIND_QCOW,
	KIND_OTHER,
};

enum { MAGIC_MAX = 24, HEAD_LEN = 128 };

#define UNPACK_HINT "unpack it first"

/* What files begin with. Raw disks begin with boot code, which is none of these. */
static const struct magic {
	uint32_t off;
	uint32_t len;
	uint8_t bytes[MAGIC_MAX];
	enum kind kind;
	const char *what, *hint; /* KIND_OTHER: what it is and what helps */
} magics[] = {
	{ 0, 8, "conectix", KIND_VHD, NULL, NULL },
	{ 0, 4, "KDMV", KIND_VMDK_SPARSE, NULL, NULL },
	{ 0, 21, "# Disk DescriptorFile", KIND_VMDK_TEXT, NULL, NULL },
	{ 0, 4, "QFI\xfb", KIND_QCOW, NULL, NULL },
	{ 0, 4, "COWD", KIND_OTHER, "a VMDK image of the older ESX form", CONVERT_HINT },
	{ 0, 8, "vhdxfile", KIND_OTHER, "a VHDX image", CONVERT_HINT },
	{ 64, 4, "\x7f\x10\xda\xbe", KIND_OTHER, "a VirtualBox (VDI) image", CONVERT_HINT },
	{ 0, 4, "QED", KIND_OTHER, "a QED image", CONVERT_HINT },
	{ 0, 16, "WithoutFreeSpace", KIND_OTHER, "a Parallels image", CONVERT_HINT },
	{ 0, 16, "WithouFreSpacExt", KIND_OTHER, "a Parallels image", CONVERT_HINT },
	{ 0, 4, "\x3a\xff\x26\xed", KIND_OTHER, "an Android sparse image",
	  "convert it first: simg2img IMAGE disk.raw" },
	{ 0, 3, "\x1f\x8b\x08", KIND_OTHER, "compressed with gzip",
	  UNPACK_HINT ": gzip -dc IMAGE >disk.img" },
	{ 0, 6, "\xfd\x37zXZ", KIND_OTHER, "compressed with xz", UNPACK_HINT ": xz -dc IMAGE >disk.img" },
	{ 0, 4, "\x28\xb5\x2f\xfd", KIND_OTHER, "compressed with zstd",
	  UNPACK_HINT ": zstd -dc IMAGE >disk.img" },
	{ 0, 4, "\x04\x22\x4d\x18", KIND_OTHER, "compressed with lz4",
	  UNPACK_HINT ": lz4 -dc IMAGE >disk.img" },
	{ 0, 3, "BZh", KIND_OTHER, "compressed with bzip2", UNPACK_HINT ": bzip2 -dc IMAGE >disk.img" },
	{ 0, 4, "PK\x03\x04", KIND_OTHER, "a zip archive", UNPACK_HINT ": unzip IMAGE" },
	{ 0, 6, "7z\xbc\xaf\x27\x1c", KIND_OTHER, "a 7z archive", UNPACK_HINT ": 7z x IMAGE" },
};

static const struct magic *find_magic(const uint8_t *head, size_t n)
{
	for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
		const struct magic *m = &magics[i];

		if (m->off + m->len <= n && memcmp(head + m->off, m->bytes, m->len) == 0)
			return m;
	}
	return NULL;
}

int container_open(struct source *file, const char *path, const char *os_path, struct source **ret,
		   const char **ret_kind, struct pcrcast_error *e)
{
	uint8_t head[HEAD_LEN];
	size_t n = source_size(file) < sizeof head ? (size_t)source_size(file) : sizeof head;
	int r = source_read(file, 0, head, n, e);

	if (r < 0) {
		source_close(file);
		return r;
	}
	const struct magic *m = find_magic(head, n);
	if (!m && !vhd_fixed_probe(file)) {
		*ret = file;
		*ret_kind = "raw";
		return 0;
	}

	const char *kind = NULL;
	struct source *disk = NULL;
	switch (m ? m->kind : KIND_VHD) {
	case KIND_VHD:
		kind = "vhd";
		r = vhd_open(file, os_path, &disk, e);
		break;
	case KIND_VMDK_SPARSE:
	case KIND_VMDK_TEXT:
		kind = "vmdk";
		r = vmdk_open(file, path, m->kind == KIND_VMDK_SPARSE, &disk, e);
		break;
	case KIND_QCOW:
		kind = "qcow2";
		r = qcow_open(file, os_path, &disk, e);
		break;
	case KIND_OTHER:
		r = err_set(e, PCRCAST_EUNSUPPORTED, m->off, "%s, which is not read here; %s", m->what,
			    m->hint);
		source_close(file);
		break;
	}
	if (r < 0)
		return err_wrap(e, "%s", path);
	*ret = disk;
	*ret_kind = kind;
	return 0;
}
