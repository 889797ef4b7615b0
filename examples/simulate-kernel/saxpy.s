// y[i] = a * x[i] + y[i] for i < n: one work-item an element.
//
// Kernel arguments: x at byte 0, y at 8, n at 16, a at 20. Behind them stands a
// hidden one, work-items a workgroup, which no caller passes.
	.amdhsa_code_object_version 5
	.text
	.globl	saxpy
	.p2align	8
	.type	saxpy,@function
saxpy:
	s_load_dwordx4 s[4:7], s[0:1], 0x0      // x, y
	s_load_dwordx2 s[8:9], s[0:1], 0x10     // n, a
	s_load_dword s3, s[0:1], 0x18           // hidden_group_size_x, 16 bits
	s_waitcnt lgkmcnt(0)
	s_and_b32 s3, s3, 0xffff
	s_mul_i32 s2, s2, s3
	v_add_u32_e32 v0, s2, v0
	v_cmp_gt_u32_e32 vcc, s8, v0
	s_and_saveexec_b64 s[10:11], vcc
	s_cbranch_execz done
	v_lshlrev_b32_e32 v1, 2, v0
	global_load_dword v2, v1, s[4:5]
	global_load_dword v3, v1, s[6:7]
	s_waitcnt vmcnt(0)
	v_fmac_f32_e32 v3, s9, v2
	global_store_dword v1, v3, s[6:7]
done:
	s_endpgm
	.size	saxpy, .-saxpy

	.rodata
	.p2align	6
	.amdhsa_kernel saxpy
		.amdhsa_user_sgpr_kernarg_segment_ptr 1
		.amdhsa_user_sgpr_count 2
		.amdhsa_system_sgpr_workgroup_id_x 1
		.amdhsa_kernarg_size 28
		.amdhsa_next_free_vgpr 4
		.amdhsa_next_free_sgpr 12
		.amdhsa_accum_offset 4
	.end_amdhsa_kernel

	.amdgpu_metadata
---
amdhsa.version: [ 1, 2 ]
amdhsa.kernels:
  - .name: saxpy
    .symbol: saxpy.kd
    .kernarg_segment_size: 28
    .kernarg_segment_align: 8
    .group_segment_fixed_size: 0
    .private_segment_fixed_size: 0
    .wavefront_size: 64
    .sgpr_count: 12
    .vgpr_count: 4
    .max_flat_workgroup_size: 256
    .args:
      - { .offset: 0, .size: 8, .value_kind: global_buffer, .address_space: global }
      - { .offset: 8, .size: 8, .value_kind: global_buffer, .address_space: global }
      - { .offset: 16, .size: 4, .value_kind: by_value }
      - { .offset: 20, .size: 4, .value_kind: by_value }
      - { .offset: 24, .size: 2, .value_kind: hidden_group_size_x }
...
	.end_amdgpu_metadata
