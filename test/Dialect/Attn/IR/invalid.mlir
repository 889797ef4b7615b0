// RUN: flydsl-opt %s -split-input-file -verify-diagnostics

func.func @f(%q: memref<64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<64x8x128xbf16>) {
  // expected-error @+1 {{q must have rank 4, got 3}}
  attn.forward ins(%q, %k, %v : memref<64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o : memref<64x8x128xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<1x2x96x2x128xbf16>, %v: memref<1x2x96x2x128xbf16>, %o: memref<2x64x8x128xbf16>) {
  // expected-error @+1 {{k must have rank 4, got 5}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<1x2x96x2x128xbf16>, memref<1x2x96x2x128xbf16>)
               outs(%o : memref<2x64x8x128xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xf64>, %k: memref<2x96x2x128xf64>, %v: memref<2x96x2x128xf64>, %o: memref<2x64x8x128xf64>) {
  // expected-error @+1 {{q must hold bf16, f16 or f32, got 'f64'}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xf64>, memref<2x96x2x128xf64>, memref<2x96x2x128xf64>)
               outs(%o : memref<2x64x8x128xf64>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xf16>, %v: memref<2x96x2x128xf16>, %o: memref<2x64x8x128xbf16>) {
  // expected-error @+1 {{k must have q's element type 'bf16', got 'f16'}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xf16>, memref<2x96x2x128xf16>)
               outs(%o : memref<2x64x8x128xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<2x64x8x128xf16>) {
  // expected-error @+1 {{o must have q's element type 'bf16', got 'f16'}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o : memref<2x64x8x128xf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<3x96x2x128xbf16>, %v: memref<3x96x2x128xbf16>, %o: memref<2x64x8x128xbf16>) {
  // expected-error @+1 {{batch of q and k must be equal, got 2 and 3}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<3x96x2x128xbf16>, memref<3x96x2x128xbf16>)
               outs(%o : memref<2x64x8x128xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<1x64x8x128xbf16>) {
  // expected-error @+1 {{batch of q and o must be equal, got 2 and 1}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o : memref<1x64x8x128xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x64xbf16>, %v: memref<2x96x2x64xbf16>, %o: memref<2x64x8x128xbf16>) {
  // expected-error @+1 {{head_dim of q and k must be equal, got 128 and 64}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x64xbf16>, memref<2x96x2x64xbf16>)
               outs(%o : memref<2x64x8x128xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x64xbf16>, %o: memref<2x64x8x128xbf16>) {
  // expected-error @+1 {{head_dim_v of v and o must be equal, got 64 and 128}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x64xbf16>)
               outs(%o : memref<2x64x8x128xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<2x65x8x128xbf16>) {
  // expected-error @+1 {{seqlen_q of q and o must be equal, got 64 and 65}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o : memref<2x65x8x128xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<2x64x4x128xbf16>) {
  // expected-error @+1 {{heads of q and o must be equal, got 8 and 4}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o : memref<2x64x4x128xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x95x2x128xbf16>, %o: memref<2x64x8x128xbf16>) {
  // expected-error @+1 {{seqlen_kv of k and v must be equal, got 96 and 95}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x95x2x128xbf16>)
               outs(%o : memref<2x64x8x128xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x4x128xbf16>, %o: memref<2x64x8x128xbf16>) {
  // expected-error @+1 {{kv_heads of k and v must be equal, got 2 and 4}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x4x128xbf16>)
               outs(%o : memref<2x64x8x128xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x3x128xbf16>, %v: memref<2x96x3x128xbf16>, %o: memref<2x64x8x128xbf16>) {
  // expected-error @+1 {{kv_heads must divide heads, got 3 and 8}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x3x128xbf16>, memref<2x96x3x128xbf16>)
               outs(%o : memref<2x64x8x128xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x0x128xbf16>, %v: memref<2x96x0x128xbf16>, %o: memref<2x64x8x128xbf16>) {
  // expected-error @+1 {{kv_heads must be positive}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x0x128xbf16>, memref<2x96x0x128xbf16>)
               outs(%o : memref<2x64x8x128xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x?xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<2x64x8x?xbf16>) {
  // expected-error @+1 {{head_dim of q must be static}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x?xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o : memref<2x64x8x?xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16, strided<[131072, 2048, 256, 2]>>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<2x64x8x128xbf16>) {
  // expected-error @+1 {{q must be contiguous in its last dimension}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16, strided<[131072, 2048, 256, 2]>>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o : memref<2x64x8x128xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<2x64x8x128xbf16>, %lse: memref<16x64xf32>) {
  // expected-error @+1 {{lse must have rank 3 (batch x heads x seqlen_q), got rank 2}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o, %lse : memref<2x64x8x128xbf16>, memref<16x64xf32>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<2x64x8x128xbf16>, %lse: memref<2x8x64xbf16>) {
  // expected-error @+1 {{lse must hold f32, got 'bf16'}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o, %lse : memref<2x64x8x128xbf16>, memref<2x8x64xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<2x64x8x128xbf16>, %lse: memref<1x8x64xf32>) {
  // expected-error @+1 {{batch of q and lse must be equal, got 2 and 1}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o, %lse : memref<2x64x8x128xbf16>, memref<1x8x64xf32>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<2x64x8x128xbf16>, %lse: memref<2x2x64xf32>) {
  // expected-error @+1 {{heads of q and lse must be equal, got 8 and 2}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o, %lse : memref<2x64x8x128xbf16>, memref<2x2x64xf32>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<2x64x8x128xbf16>, %lse: memref<2x8x63xf32>) {
  // expected-error @+1 {{seqlen_q of q and lse must be equal, got 64 and 63}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o, %lse : memref<2x64x8x128xbf16>, memref<2x8x63xf32>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<2x64x8x128xbf16>, %lse: memref<2x8x64xf32, strided<[1024, 128, 2]>>) {
  // expected-error @+1 {{lse must be contiguous in its last dimension}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o, %lse : memref<2x64x8x128xbf16>, memref<2x8x64xf32, strided<[1024, 128, 2]>>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<2x64x8x128xbf16>) {
  // expected-error @+1 {{scale must be finite}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o : memref<2x64x8x128xbf16>) {scale = 0x7FC00000 : f32}
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<2x64x8x128xbf16>, %lse: memref<2x8x64xf32>) {
  // expected-error @+1 {{parts must have rank 5, got 4}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o, %lse, %lse : memref<2x64x8x128xbf16>, memref<2x8x64xf32>, memref<2x8x64xf32>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: tensor<2x96x2x128xbf16>, %v: tensor<2x96x2x128xbf16>, %o: memref<2x64x8x128xbf16>) {
  // expected-error @+1 {{operands must be all tensors or all memrefs}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, tensor<2x96x2x128xbf16>, tensor<2x96x2x128xbf16>)
               outs(%o : memref<2x64x8x128xbf16>) 
  return
}

// -----

func.func @f(%q: tensor<2x64x8x128xbf16>, %k: tensor<2x96x2x128xbf16>, %v: tensor<2x96x2x128xbf16>, %o: tensor<2x64x8x128xbf16>) {
  // expected-error @+1 {{expected 1 results, got 0}}
  attn.forward ins(%q, %k, %v : tensor<2x64x8x128xbf16>, tensor<2x96x2x128xbf16>, tensor<2x96x2x128xbf16>)
               outs(%o : tensor<2x64x8x128xbf16>) 
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x96x2x128xbf16>, %v: memref<2x96x2x128xbf16>, %o: memref<2x64x8x128xbf16>) {
  // expected-error @+1 {{expected 0 results, got 1}}
  %r = attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x96x2x128xbf16>, memref<2x96x2x128xbf16>)
               outs(%o : memref<2x64x8x128xbf16>)  -> tensor<2x64x8x128xbf16>
  return
}

// -----

func.func @f(%q: tensor<2x64x8x128xbf16>, %k: tensor<2x96x2x128xbf16>, %v: tensor<2x96x2x128xbf16>, %o: tensor<2x64x8x128xbf16>) {
  // expected-error @+1 {{result type 'tensor<2x64x8x64xbf16>' must be its destination's, 'tensor<2x64x8x128xbf16>'}}
  %r = attn.forward ins(%q, %k, %v : tensor<2x64x8x128xbf16>, tensor<2x96x2x128xbf16>, tensor<2x96x2x128xbf16>)
               outs(%o : tensor<2x64x8x128xbf16>)  -> tensor<2x64x8x64xbf16>
  return
}

// -----

func.func @f(%q: memref<2x64x8x128xbf16>, %k: memref<2x2x96x128xbf16>, %v: memref<2x2x96x128xbf16>, %o: memref<2x63x8x128xbf16>) {
  // expected-error @+1 {{heads of q and o must be equal, got 64 and 63}}
  attn.forward ins(%q, %k, %v : memref<2x64x8x128xbf16>, memref<2x2x96x128xbf16>, memref<2x2x96x128xbf16>)
               outs(%o : memref<2x63x8x128xbf16>) {layout = #attn.layout<bhsd>}
  return
}

// -----

// expected-error @+1 {{waves must be 1 to 16, got 0}}
func.func private @f() attributes {c = #attn.config<schedule = generic, waves = 0, rows_per_wave = 32, kv_tile = 64, slots = 2>}

// -----

// expected-error @+1 {{rows_per_wave must be 32, the columns of one MFMA block, got 16}}
func.func private @f() attributes {c = #attn.config<schedule = generic, waves = 4, rows_per_wave = 16, kv_tile = 64, slots = 2>}

// -----

// expected-error @+1 {{kv_tile must be a positive multiple of 32, got 48}}
func.func private @f() attributes {c = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 48, slots = 2>}

// -----

// expected-error @+1 {{slots must be 2 or 1, got 3}}
func.func private @f() attributes {c = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 3>}

// -----

// expected-error @+1 {{expected rows and columns, got rank 1}}
func.func private @f(!attn.tile<32xf32, mfma_c>)

// -----

// expected-error @+1 {{the rows must be static}}
func.func private @f(!attn.tile<?x32xf32, mfma_c>)

// -----

// expected-error @+1 {{the columns must be static and positive}}
func.func private @f(!attn.tile<32x?xf32, mfma_c>)

// -----

// expected-error @+1 {{mfma_c tiles hold f32, got 'bf16'}}
func.func private @f(!attn.tile<32x32xbf16, mfma_c>)

// -----

// expected-error @+1 {{mfma_c tiles come in blocks of 32 x 32, got 48 x 32}}
func.func private @f(!attn.tile<48x32xf32, mfma_c>)

// -----

// expected-error @+1 {{mfma_b tiles come in blocks of 16 x 32, got 24 x 32}}
func.func private @f(!attn.tile<24x32xf16, mfma_b>)

// -----

// expected-error @+1 {{columns tiles come in blocks of 1 x 32, got 2 x 32}}
func.func private @f(!attn.tile<2x32xf32, columns>)

// -----

// expected-error @+1 {{the element type must be f32, bf16 or f16, got 'i8'}}
func.func private @f(!attn.tile<32x32xi8, mfma_a>)

// -----

// expected-error @+1 {{the rows must be '?'}}
func.func private @f(!attn.view<64x128xbf16>)

// -----

// expected-error @+1 {{expected one of [plain, grouped, far] for how the rows of a view are found, got: near}}
func.func private @f(!attn.view<?x128xbf16, near>)

// -----

// expected-error @+1 {{expected '>'}}
func.func private @f(!attn.view<?x128xbf16, grouped, far>)

// -----

func.func @f(%p: !llvm.ptr<1>, %n: i32, %x: i64) {
  // expected-error @+1 {{a grouped view, and no other, has a group and an inner stride, got '!attn.view<?x128xbf16, far>'}}
  %v = attn.view %p[%x] rows %n stride %x group %n inner %x : !attn.view<?x128xbf16, far>
  return
}

// -----

func.func @f(%v: !attn.view<?x64xbf16, far>, %r: i32, %s: !attn.slot<512x64xbf16, rows>) {
  // expected-error @+1 {{takes at most 256 rows of a far view, got 512}}
  %t = attn.fetch %v[%r] into %s : !attn.view<?x64xbf16, far>, !attn.slot<512x64xbf16, rows> -> !attn.inflight<512x64xbf16>
  return
}

// -----

// expected-error @+1 {{a slot comes in blocks of 32 x 32, got 64 x 80}}
func.func private @f(!attn.slot<64x80xbf16, rows>)

// -----

// expected-error @+1 {{the rows must be static}}
func.func private @f(!attn.inflight<?x128xbf16>)

// -----

func.func @f(%v: !attn.view<?x128xbf16>, %r: i32) {
  // expected-error @+1 {{a row of the view has 128 elements, the tile takes 64}}
  %t = attn.load %v[%r] transposed : !attn.view<?x128xbf16> -> !attn.tile<64x32xbf16, mfma_b>
  return
}

// -----

func.func @f(%v: !attn.view<?x60xbf16>, %r: i32) {
  // expected-error @+1 {{a row of the view has 60 elements, the tile takes 64; to be wider, the view must have a multiple of 8}}
  %t = attn.load %v[%r] transposed : !attn.view<?x60xbf16> -> !attn.tile<64x32xbf16, mfma_b>
  return
}

// -----

func.func @f(%s: !attn.slot<64x128xbf16, rows>, %r: i32) {
  // expected-error @+1 {{the result must be 32 x 128, got 64 x 128}}
  %t = attn.read %s[%r] : !attn.slot<64x128xbf16, rows> -> !attn.tile<64x128xbf16, mfma_a>
  return
}

// -----

func.func @f(%a: !attn.tile<32x32xf32, mfma_c>) {
  // expected-error @+1 {{the result must be 64 x 32, got 96 x 32}}
  %t = attn.concat %a, %a : !attn.tile<32x32xf32, mfma_c> -> !attn.tile<96x32xf32, mfma_c>
  return
}

// -----

func.func @f(%s: !attn.slot<64x128xbf16, rows>) {
  // expected-error @+1 {{the result must be 64 x 128, got 64 x 144}}
  %t = attn.read %s : !attn.slot<64x128xbf16, rows> -> !attn.tile<64x144xbf16, mfma_a>
  return
}

// -----

func.func @f(%v: !attn.view<?x128xbf16>, %r: i32) {
  // expected-error @+1 {{element types must agree, got 'f16' and 'bf16'}}
  %t = attn.load %v[%r] transposed : !attn.view<?x128xbf16> -> !attn.tile<128x32xf16, mfma_b>
  return
}

// -----

func.func @f(%t: !attn.tile<64x32xbf16, mfma_b>, %v: !attn.view<?x64xbf16>, %r: i32) {
  // expected-error @+1 {{stores mfma_c and columns tiles}}
  attn.store %t, %v[%r] : !attn.tile<64x32xbf16, mfma_b>, !attn.view<?x64xbf16>
  return
}

// -----

func.func @f(%t: !attn.tile<64x32xf32, mfma_c>, %v: !attn.view<?x128xbf16>, %r: i32) {
  // expected-error @+1 {{a row of the view has 128 elements, a column of the tile 64}}
  attn.store %t, %v[%r] : !attn.tile<64x32xf32, mfma_c>, !attn.view<?x128xbf16>
  return
}

// -----

func.func @f(%v: !attn.view<?x128xbf16>, %r: i32, %s: !attn.slot<128x32xbf16, transposed>) {
  // expected-error @+1 {{rows go through a rows slot, got '!attn.slot<128x32xbf16, transposed>'}}
  %t = attn.load %v[%r] transposed through %s[%r] : !attn.view<?x128xbf16>, !attn.slot<128x32xbf16, transposed> -> !attn.tile<128x32xbf16, mfma_b>
  return
}

// -----

func.func @f(%v: !attn.view<?x72xbf16>, %r: i32, %s: !attn.slot<128x32xbf16, rows>) {
  // expected-error @+1 {{a row of the view has 72 elements, no multiple of the 32 of a row of the slot}}
  %t = attn.load %v[%r] transposed through %s[%r] : !attn.view<?x72xbf16>, !attn.slot<128x32xbf16, rows> -> !attn.tile<80x32xbf16, mfma_b>
  return
}

// -----

func.func @f(%v: !attn.view<?x32xbf16>, %r: i32, %s: !attn.slot<128x32xbf16, rows>) {
  // expected-error @+1 {{a transposed mfma_b tile goes through a slot, got '!attn.tile<32x32xbf16, mfma_a>'}}
  %t = attn.load %v[%r] transposed through %s[%r] : !attn.view<?x32xbf16>, !attn.slot<128x32xbf16, rows> -> !attn.tile<32x32xbf16, mfma_a>
  return
}

// -----

func.func @f(%t: !attn.tile<1x32xf32, columns>, %v: !attn.view<?x1xf32>, %r: i32, %s: !attn.slot<128x32xf32, rows>) {
  // expected-error @+1 {{an mfma_c tile goes through a slot, got '!attn.tile<1x32xf32, columns>'}}
  attn.store %t, %v[%r] through %s[%r] : !attn.tile<1x32xf32, columns>, !attn.view<?x1xf32>, !attn.slot<128x32xf32, rows>
  return
}

// -----

func.func @f(%t: !attn.tile<64x32xf32, mfma_c>, %v: !attn.view<?x64xbf16>, %r: i32, %s: !attn.slot<128x64xf16, rows>) {
  // expected-error @+1 {{element types must agree, got 'f16' and 'bf16'}}
  attn.store %t, %v[%r] through %s[%r] : !attn.tile<64x32xf32, mfma_c>, !attn.view<?x64xbf16>, !attn.slot<128x64xf16, rows>
  return
}

// -----

func.func @f(%v: !attn.view<?x96xbf16>, %r: i32, %s: !attn.slot<64x96xbf16, rows>) {
  // expected-error @+1 {{a slot for fetched tiles has a multiple of 64 columns, got 96}}
  %t = attn.fetch %v[%r] into %s : !attn.view<?x96xbf16>, !attn.slot<64x96xbf16, rows> -> !attn.inflight<64x96xbf16>
  return
}

// -----

func.func @f(%v: !attn.view<?x128xbf16>, %r: i32, %s: !attn.slot<64x64xbf16, rows>) {
  // expected-error @+1 {{a row of the view has 128 elements, a row of the slot 64}}
  %t = attn.fetch %v[%r] into %s : !attn.view<?x128xbf16>, !attn.slot<64x64xbf16, rows> -> !attn.inflight<64x64xbf16>
  return
}

// -----

func.func @f(%v: !attn.view<?x64xbf16>, %r: i32, %s: !attn.slot<64x64xbf16, rows>) {
  // expected-error @+1 {{the inflight tile must be 64 x 64, got 32 x 64}}
  %t = attn.fetch %v[%r] into %s : !attn.view<?x64xbf16>, !attn.slot<64x64xbf16, rows> -> !attn.inflight<32x64xbf16>
  return
}

// -----

func.func @f(%i: !attn.inflight<32x64xbf16>, %s: !attn.slot<64x64xbf16, rows>) {
  // expected-error @+1 {{the inflight tile must be 64 x 64, got 32 x 64}}
  attn.land %i into %s : !attn.inflight<32x64xbf16>, !attn.slot<64x64xbf16, rows>
  return
}

// -----

func.func @f(%s: !attn.slot<64x128xbf16, transposed>) {
  // expected-error @+1 {{the result must be 64 x 64, got 64 x 128}}
  %t = attn.read %s : !attn.slot<64x128xbf16, transposed> -> !attn.tile<64x128xbf16, mfma_a>
  return
}

// -----

func.func @f(%s: !attn.slot<64x128xbf16, rows>) {
  // expected-error @+1 {{the result must be an mfma_a tile}}
  %t = attn.read %s : !attn.slot<64x128xbf16, rows> -> !attn.tile<64x128xbf16, mfma_b>
  return
}

// -----

func.func @f(%a: !attn.tile<32x16xbf16, mfma_a>, %b: !attn.tile<32x32xbf16, mfma_b>, %c: !attn.tile<32x32xf32, mfma_c>) {
  // expected-error @+1 {{a's columns and b's rows must be equal, got 16 and 32}}
  %t = attn.mma %a, %b, %c : !attn.tile<32x16xbf16, mfma_a>, !attn.tile<32x32xbf16, mfma_b>, !attn.tile<32x32xf32, mfma_c>
  return
}

// -----

func.func @f(%a: !attn.tile<32x16xbf16, mfma_a>, %b: !attn.tile<16x32xf16, mfma_b>, %c: !attn.tile<32x32xf32, mfma_c>) {
  // expected-error @+1 {{element types must agree, got 'f16' and 'bf16'}}
  %t = attn.mma %a, %b, %c : !attn.tile<32x16xbf16, mfma_a>, !attn.tile<16x32xf16, mfma_b>, !attn.tile<32x32xf32, mfma_c>
  return
}

// -----

func.func @f(%a: !attn.tile<64x16xbf16, mfma_a>, %b: !attn.tile<16x32xbf16, mfma_b>, %c: !attn.tile<32x32xf32, mfma_c>) {
  // expected-error @+1 {{acc must be 64 x 32, got 32 x 32}}
  %t = attn.mma %a, %b, %c : !attn.tile<64x16xbf16, mfma_a>, !attn.tile<16x32xbf16, mfma_b>, !attn.tile<32x32xf32, mfma_c>
  return
}

// -----

func.func @f(%a: !attn.tile<1x32xf32, columns>, %i: i32) {
  // expected-error @+1 {{the tile must be an mfma_c tile}}
  %t = attn.mask %a kv %i q %i limit %i : !attn.tile<1x32xf32, columns>
  return
}

// -----

func.func @f(%s: !attn.tile<64x32xf32, mfma_c>, %m: !attn.tile<1x32xf32, columns>, %f: f32) {
  // expected-error @+1 {{p must be 64 x 32, got 32 x 32}}
  %p, %a, %b = attn.softmax_step %s, %m, %m scale %f : !attn.tile<64x32xf32, mfma_c>, !attn.tile<1x32xf32, columns> -> !attn.tile<32x32xbf16, mfma_b>
  return
}

// -----

func.func @f(%s: !attn.tile<64x32xf32, mfma_c>, %m: !attn.tile<1x64xf32, columns>) {
  // expected-error @+1 {{max must be 1 x 32, got 1 x 64}}
  %p = attn.rescale %s from %m to %m : !attn.tile<64x32xf32, mfma_c> by !attn.tile<1x64xf32, columns>
  return
}

// -----

func.func @f(%s: !attn.tile<64x32xf32, mfma_c>, %m: !attn.tile<1x64xf32, columns>, %f: f32) {
  // expected-error @+1 {{max must be 1 x 32, got 1 x 64}}
  %p, %l = attn.finalize %s, %m, %m : !attn.tile<64x32xf32, mfma_c>, !attn.tile<1x64xf32, columns>
  return
}
