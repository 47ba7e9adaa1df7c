/*
 * The state of Secure Boot, and the firmware's first events of PCR 7.
 *
 * Sources: PFP 1.06, section 3.3.4.8; EDK2 edk2-stable202605, SecurityPkg/Tcg/Tcg2Dxe/Tcg2Dxe.c (MeasureAllSecureVariables) and
 * SecurityPkg/Library/AuthVariableLib (InitSecureBootVariables); logs of OVMF 2022.11 and 2025.02.
 */
#include "predict/secureboot.h"

/* EDK2's own switch, set in its menus: gEfiSecureBootEnableDisableGuid. */
static const struct guid enable_guid =
	GUID(0xf0a30bc7, 0xaf08, 0x4556, 0x99, 0xc4, 0x00, 0x10, 0x09, 0xc9, 0x3a, 0x44);

static bool exists(const struct firmware_variables *v, const char *name, const struct guid *guid)
{
	return firmware_variables_find(v, name, guid);
}

static bool is_zero(const struct firmware_variables *v, const char *name, const struct guid *guid)
{
	const struct firmware_variable *found = firmware_variables_find(v, name, guid);

	return found && found->data.n == 1 && found->data.p[0] == 0;
}

/*
 * Does the firmware that used this store know Secure Boot? EDK2's variable driver leaves VarErrorFlag in each store, and its
 * AuthVariableLib, which Secure Boot is built with, CustomMode, certdb and VendorKeysNv. Recorded: stores of OVMF 2022.11 and
 * 2025.02, and of 2026.08 with and without Secure Boot.
 */
enum secure_boot_support { SUPPORT_UNTOLD, SUPPORT_SEEN, SUPPORT_MISSING };

static enum secure_boot_support support_of(const struct firmware_variables *v)
{
	static const struct guid error_flag =
		GUID(0x04b37fe8, 0xf6ae, 0x480b, 0xbd, 0xd5, 0x37, 0xd9, 0x8c, 0x5e, 0x89, 0xaa);
	static const struct guid custom_mode =
		GUID(0xc076ec0c, 0x7028, 0x4399, 0xa0, 0x72, 0x71, 0xee, 0x5c, 0x44, 0x8b, 0x9f);
	static const struct guid certificates =
		GUID(0xd9bee56e, 0x75dc, 0x49d9, 0xb4, 0xd7, 0xb5, 0x34, 0x21, 0x0f, 0x63, 0x7a);
	static const struct guid vendor_keys =
		GUID(0x9073e4e0, 0x60ec, 0x4b6e, 0x99, 0x03, 0x4c, 0x22, 0x3c, 0x26, 0x0f, 0x3c);

	if (exists(v, "SecureBoot", &guid_efi_global) || exists(v, "CustomMode", &custom_mode) ||
	    exists(v, "certdb", &certificates) || exists(v, "VendorKeysNv", &vendor_keys))
		return SUPPORT_SEEN;
	return v && v->whole && exists(v, "VarErrorFlag", &error_flag) ? SUPPORT_MISSING : SUPPORT_UNTOLD;
}

int secure_boot_settle(struct predict_options *o, struct pcrcast_error *e)
{
	const struct firmware_variables *v = o->variables;
	enum secure_boot_support support = support_of(v);
	bool has_key = exists(v, "PK", &guid_efi_global);

	if (o->secure_boot && !has_key && firmware_variables_know(v, "PK", &guid_efi_global))
		return err_set(
			e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			"--secure-boot on, but the variables hold no platform key (PK): without one it is off");
	/* SecureBoot itself is in efivars only. With a platform key and nothing that says otherwise EDK2 turns it on. */
	bool listed = exists(v, "SecureBoot", &guid_efi_global);
	if (o->secure_boot_given || !(listed || (v && v->whole)))
		return 0;
	o->secure_boot_of_variables = true;
	o->secure_boot_exists = support == SUPPORT_SEEN;
	o->secure_boot_absent = support == SUPPORT_MISSING;
	o->secure_boot = listed ? !is_zero(v, "SecureBoot", &guid_efi_global) :
				  has_key && support != SUPPORT_MISSING &&
					  !is_zero(v, "SecureBootEnable", &enable_guid);
	return 0;
}

static int driver_config(struct walk *w, const char *name, const struct guid *guid, struct slice data,
			 struct event_text text, struct pcrcast_error *e)
{
	struct slice bytes;
	int r = walk_variable_data(w, name, guid, data, &bytes, e);

	return r < 0 ? r :
		       walk_event_bytes(w, 7, (uint32_t)EV_EFI_VARIABLE_DRIVER_CONFIG, bytes, bytes,
					EVENT_COMPUTED, text, e);
}

static int state_event(struct walk *w, struct pcrcast_error *e)
{
	static const uint8_t values[] = { 0, 1 };
	const struct predict_options *o = w->opt;
	struct slice data = { values + o->secure_boot, o->secure_boot_absent ? 0 : 1 };

	if (o->pcrs & 1 << 7 && !o->secure_boot && !o->secure_boot_given && !o->secure_boot_exists &&
	    !o->secure_boot_absent) {
		int r = walk_assume(w, "variable SecureBoot", "exists, as in firmware that knows Secure Boot",
				    "--secure-boot", e);
		if (r < 0)
			return r;
	}
	return driver_config(w, "SecureBoot", &guid_efi_global, data,
			     (struct event_text){ "SecureBoot", "state of Secure Boot" }, e);
}

int secure_boot_events(struct walk *w, struct pcrcast_error *e)
{
	static const struct {
		const char *name, *option;
		const struct guid *guid;
		bool if_exists; /* one that does not exist is not measured; the others are, as empty */
	} block[] = {
		{ "PK", "--pk", &guid_efi_global, false },
		{ "KEK", "--kek", &guid_efi_global, false },
		{ "db", "--db", &guid_image_security, false },
		{ "dbx", "--dbx", &guid_image_security, false },
		{ "dbt", "--variables", &guid_image_security, true },
	};
	static const uint8_t separator[4] = { 0 };
	struct slice zeros = { separator, sizeof separator };
	const struct firmware_variables *v = w->opt->variables;
	int r = state_event(w, e);

	for (size_t i = 0; r == 0 && i < sizeof block / sizeof block[0]; i++) {
		const char *name = block[i].name;
		const struct firmware_variable *found = firmware_variables_find(v, name, block[i].guid);
		struct event_text text = { name, "firmware variable" };

		if (found || (firmware_variables_know(v, name, block[i].guid) && !block[i].if_exists))
			r = driver_config(w, name, block[i].guid, found ? found->data : SLICE_EMPTY, text, e);
		else if (!block[i].if_exists)
			r = walk_event_unknown(
				w, 7, (uint32_t)EV_EFI_VARIABLE_DRIVER_CONFIG, text,
				v ? pool_printf(w->pool, "the variable %s is not known", name) :
				    "the firmware's Secure Boot variables are not known",
				v ? block[i].option : "--variables", e);
		else if (v && !v->whole && w->opt->pcrs & 1 << 7)
			r = walk_assume(w, "variable dbt", "does not exist", block[i].option, e);
	}
	return r < 0 ? r :
		       walk_event_bytes(w, 7, EV_SEPARATOR, zeros, zeros, EVENT_CONSTANT,
					(struct event_text){ "separator", "PFP 1.06, section 10.4.1" }, e);
}
