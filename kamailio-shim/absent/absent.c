/*
 * Stands in for Kamailio where the unit tests run without it. They call none of this, but for the question whether a
 * log level is written, which is always answered with no.
 */
#include <stdlib.h>

#define FUNCTION(name)                                                                                                 \
	void name(void)                                                                                                    \
	{                                                                                                                  \
		abort();                                                                                                       \
	}
#define VARIABLE(name) char name[256];

int get_debug_level(void)
{
	return -100;
}

FUNCTION(cfg_child_init)
FUNCTION(cfg_move_handle)
FUNCTION(cfg_register_child)
FUNCTION(dprint_color)
FUNCTION(dprint_color_reset)
FUNCTION(faked_msg_get_new)
FUNCTION(find_export)
FUNCTION(find_module_by_name)
FUNCTION(find_param_export)
FUNCTION(fixup_free_spve_all)
FUNCTION(fixup_spve_all)
FUNCTION(fork_process)
FUNCTION(free_sip_msg)
FUNCTION(get_debug_facility)
FUNCTION(get_str_fparam)
FUNCTION(ksr_msg_env_reset)
FUNCTION(my_pid)
FUNCTION(parse_msg)
FUNCTION(pv_cache_get)
FUNCTION(pv_get_null)
FUNCTION(pv_get_sintval)
FUNCTION(pv_get_spec_index)
FUNCTION(pv_get_spec_name)
FUNCTION(pv_get_strval)
FUNCTION(pv_parse_index)
FUNCTION(register_module_stats)
FUNCTION(register_procs)
FUNCTION(register_script_cb)
FUNCTION(route_lookup)
FUNCTION(run_top_route)
FUNCTION(shm_address_in)
FUNCTION(sr_kemi_eng_get)
FUNCTION(sr_kemi_modules_add)
FUNCTION(sr_kemi_route)

VARIABLE(_cnts_row_len)
VARIABLE(_cnts_vals)
VARIABLE(_km_log_func)
VARIABLE(_ksr_slog_func)
VARIABLE(_shm_root)
VARIABLE(cfg_block_size)
VARIABLE(cfg_child_cb)
VARIABLE(cfg_child_cb_first)
VARIABLE(cfg_child_cb_last)
VARIABLE(cfg_ginst_count)
VARIABLE(cfg_global)
VARIABLE(cfg_global_lock)
VARIABLE(cfg_group)
VARIABLE(cfg_local)
VARIABLE(chroot_dir)
VARIABLE(config_check)
VARIABLE(dprint_crit)
VARIABLE(log_color)
VARIABLE(log_level_info)
VARIABLE(log_prefix_val)
VARIABLE(log_stderr)
VARIABLE(main_rt)
VARIABLE(process_no)
VARIABLE(route_type)
