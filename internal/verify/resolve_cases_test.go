package verify

// Records in their context.
var resolveCases = []loadCase{
	{"PTR to nothing", mk(i32, rec{0, kPtr, 9}), EINVAL, "[2] PTR (anon) type_id=9 Invalid type_id"},
	{"PTR to a VAR", mk(i32, rec{"v", kVar, 1, 0}, rec{0, kPtr, 2}), EINVAL, "[3] PTR (anon) type_id=2 Invalid type_id"},
	{"PTR to a FUNC", mk(rec{0, kFuncProto, 0}, rec{"f", kFunc, 1}, rec{0, kPtr, 2}), 0, ""},
	{"PTR to a FWD", mk(rec{"f", kFwd, 0}, rec{0, kPtr, 1}), 0, ""},
	{"PTR to itself", mk(rec{0, kPtr, 1}), EEXIST, "[1] PTR (anon) type_id=1 Loop detected"},
	{"PTR loop over CONST", mk(rec{0, kPtr, 2}, rec{0, kConst, 1}), EEXIST, "[1] PTR (anon) type_id=2 Loop detected"},
	{"PTR loop found below a struct", mk(i32, rec{"s", kStruct | 1, 8, "a", 3, 0}, rec{0, kConst, 4}, rec{0, kPtr, 3}), EEXIST, "[4] PTR (anon) type_id=3 Loop detected"},
	{"PTR to struct that holds it", mk(rec{"s", kStruct | 1, 8, "next", 2, 0}, rec{0, kPtr, 1}), 0, ""},
	{"TYPEDEF of nothing", mk(rec{"t", kTypedef, 2}), EINVAL, "[1] TYPEDEF t type_id=2 Invalid type_id"},
	{"TYPEDEF of a DATASEC", mk(i32, rec{".data", kDataSec, 4}, rec{"t", kTypedef, 2}), EINVAL, "[3] TYPEDEF t type_id=2 Invalid type_id"},
	{"TYPEDEF of a DECL_TAG", mk(rec{"s", kStruct, 4}, rec{"t", kDeclTag, 1, -1}, rec{"t", kTypedef, 2}), EINVAL, "[3] TYPEDEF t type_id=2 Invalid type_id"},
	{"TYPEDEF of a FUNC", mk(rec{0, kFuncProto, 0}, rec{"f", kFunc, 1}, rec{"t", kTypedef, 2}), 0, ""},
	{"TYPEDEF of itself", mk(rec{"t", kTypedef, 1}), EEXIST, "[1] TYPEDEF t type_id=1 Loop detected"},
	{"CONST loop", mk(rec{0, kConst, 2}, rec{0, kVolatile, 3}, rec{0, kRestrict, 1}), EEXIST, "[1] CONST (anon) type_id=2 Loop detected"},
	{"CONST of void", mk(rec{0, kConst, 0}), 0, ""},
	{"31 PTRs in a row", mk(cat(refs(1, 31, kPtr), []rec{i32})...), 0, ""},
	{"32 PTRs in a row", mk(cat(refs(1, 32, kPtr), []rec{i32})...), 0, ""},
	{"33 PTRs in a row", mk(cat(refs(1, 33, kPtr), []rec{i32})...), E2BIG, "[1] PTR (anon) type_id=2 Exceeded max resolving depth:32"},
	{"33 CONSTs in a row", mk(cat(refs(1, 33, kConst), []rec{i32})...), E2BIG, "[1] CONST (anon) type_id=2 Exceeded max resolving depth:32"},
	{"32 CONSTs in a row", mk(cat(refs(1, 32, kConst), []rec{i32})...), 0, ""},

	{"VAR of a FWD", mk(rec{"f", kFwd, 0}, rec{"v", kVar, 1, 0}), EINVAL, "[2] VAR v type_id=1 linkage=0 Invalid type_id"},
	{"VAR of nothing", mk(rec{"v", kVar, 2, 0}), EINVAL, "[1] VAR v type_id=2 linkage=0 Invalid type_id"},
	{"VAR of a VAR", mk(i32, rec{"v", kVar, 1, 0}, rec{"w", kVar, 2, 0}), EINVAL, "[3] VAR w type_id=2 linkage=0 Invalid type_id"},
	{"VAR of const void", mk(rec{0, kConst, 0}, rec{"v", kVar, 1, 0}), EINVAL, "[2] VAR v type_id=1 linkage=0 Invalid type_id"},
	{"VAR of a const pointer", mk(rec{0, kPtr, 0}, rec{0, kConst, 1}, rec{"v", kVar, 2, 1}), 0, ""},
	{"VAR over a pointer loop", mk(rec{"v", kVar, 2, 0}, rec{0, kConst, 3}, rec{0, kPtr, 2}), EEXIST, "[1] VAR v type_id=2 linkage=0 Loop detected"},

	{"ARRAY of nothing", mk(i32, rec{0, kArray, 0, 9, 1, 4}), EINVAL, "[2] ARRAY (anon) type_id=9 index_type_id=1 nr_elems=4 Invalid elem"},
	{"ARRAY of a FWD", mk(i32, rec{"f", kFwd, 0}, rec{0, kArray, 0, 2, 1, 4}), EINVAL, "[3] ARRAY (anon) type_id=2 index_type_id=1 nr_elems=4 Invalid elem"},
	{"ARRAY of a VAR", mk(i32, rec{"v", kVar, 1, 0}, rec{0, kArray, 0, 2, 1, 4}), EINVAL, "[3] ARRAY (anon) type_id=2 index_type_id=1 nr_elems=4 Invalid elem"},
	{"ARRAY of const void", mk(i32, rec{0, kConst, 0}, rec{0, kArray, 0, 2, 1, 4}), EINVAL, "[3] ARRAY (anon) type_id=2 index_type_id=1 nr_elems=4 Invalid elem"},
	{"ARRAY of a bit-field INT", mk(i32, rec{"b", kInt, 4, 3}, rec{0, kArray, 0, 2, 1, 4}), EINVAL, "[3] ARRAY (anon) type_id=2 index_type_id=1 nr_elems=4 Invalid array of int"},
	{"ARRAY indexed by nothing", mk(i32, rec{0, kArray, 0, 1, 9, 4}), EINVAL, "[2] ARRAY (anon) type_id=1 index_type_id=9 nr_elems=4 Invalid index"},
	{"ARRAY indexed by an enum", mk(i32, rec{"e", kEnum, 4}, rec{0, kArray, 0, 1, 2, 4}), EINVAL, "[3] ARRAY (anon) type_id=1 index_type_id=2 nr_elems=4 Invalid index"},
	{"ARRAY indexed by a FUNC_PROTO", mk(i32, rec{0, kFuncProto, 0}, rec{0, kArray, 0, 1, 2, 4}), EINVAL, "[3] ARRAY (anon) type_id=1 index_type_id=2 nr_elems=4 Invalid index"},
	{"ARRAY indexed by a VAR", mk(i32, rec{"v", kVar, 1, 0}, rec{0, kArray, 0, 1, 2, 4}), EINVAL, "[3] ARRAY (anon) type_id=1 index_type_id=2 nr_elems=4 Invalid index"},
	{"ARRAY indexed by a typedef", mk(i32, rec{"t", kTypedef, 1}, rec{0, kArray, 0, 1, 2, 4}), 0, ""},
	{"ARRAY indexed by 3 bits", mk(i32, rec{"b", kInt, 4, 3}, rec{0, kArray, 0, 1, 2, 4}), EINVAL, "[3] ARRAY (anon) type_id=1 index_type_id=2 nr_elems=4 Invalid index"},
	{"ARRAY of 4 GiB", mk(i32, rec{0, kArray, 0, 1, 1, 0x40000000}), EINVAL, "[2] ARRAY (anon) type_id=1 index_type_id=1 nr_elems=1073741824 Array size overflows U32_MAX"},
	{"ARRAY of almost 4 GiB", mk(i32, rec{0, kArray, 0, 1, 1, 0x3fffffff}), 0, ""},
	{"ARRAY of itself", mk(i32, rec{0, kArray, 0, 2, 1, 4}), EEXIST, "[2] ARRAY (anon) type_id=2 index_type_id=1 nr_elems=4 Loop detected"},
	{"ARRAY of const of array", mk(i32, rec{0, kArray, 0, 3, 1, 4}, rec{0, kConst, 4}, rec{0, kArray, 0, 1, 1, 2}), 0, ""},

	{"STRUCT in itself", mk(rec{"s", kStruct | 1, 8, "a", 1, 0}), EEXIST, "[1] STRUCT s size=8 vlen=1 Loop detected"},
	{"STRUCT in itself over an array", mk(i32, rec{"s", kStruct | 1, 8, "a", 3, 0}, rec{0, kArray, 0, 2, 1, 0}), EEXIST, "[2] STRUCT s size=8 vlen=1 Loop detected"},
	{"STRUCT member of nothing", mk(rec{"s", kStruct | 1, 8, "a", 7, 0}), EINVAL, "[1] STRUCT s size=8 vlen=1\n\ta type_id=7 bits_offset=0 Invalid member"},
	{"STRUCT member FWD", mk(rec{"f", kFwd, 0}, rec{"s", kStruct | 1, 8, "a", 1, 0}), EINVAL, "[2] STRUCT s size=8 vlen=1\n\ta type_id=1 bits_offset=0 Invalid member"},
	{"STRUCT member FUNC", mk(rec{0, kFuncProto, 0}, rec{"f", kFunc, 1}, rec{"s", kStruct | 1, 8, "a", 2, 0}), EINVAL, "[3] STRUCT s size=8 vlen=1\n\ta type_id=2 bits_offset=0 Invalid member"},
	{"STRUCT member typedef of FUNC", mk(rec{0, kFuncProto, 0}, rec{"f", kFunc, 1}, rec{"t", kTypedef, 2}, rec{"s", kStruct | 1, 8, "a", 3, 0}), EINVAL, "[4] STRUCT s size=8 vlen=1\n\ta type_id=3 bits_offset=0 Invalid member"},
	{"STRUCT member VAR", mk(i32, rec{"v", kVar, 1, 0}, rec{"s", kStruct | kf | 1, 8, "a", 2, 0}), EINVAL, "[3] STRUCT s size=8 vlen=1\n\ta type_id=2 bitfield_size=0 bits_offset=0 Invalid member"},
	{"STRUCT member const void", mk(rec{0, kConst, 0}, rec{"s", kStruct | 1, 8, "a", 1, 0}), EINVAL, "[2] STRUCT s size=8 vlen=1\n\ta type_id=1 bits_offset=0 Invalid member"},
	{"STRUCT 33 deep", mk(deep(33)...), E2BIG, "[1] STRUCT (anon) size=8 vlen=1 Exceeded max resolving depth:32"},
	{"STRUCT 32 deep", mk(deep(32)...), 0, ""},

	{"INT member too large", mk(i32, rec{"s", kStruct | 1, 4, "a", 1, 8}), EINVAL, "[2] STRUCT s size=4 vlen=1\n\ta type_id=1 bits_offset=8 Member exceeds struct_size"},
	{"INT member of 128 bits off a byte", mk(rec{"i", kInt, 16, 128}, rec{"s", kStruct | 1, 32, "a", 1, 1}), EINVAL, "[2] STRUCT s size=32 vlen=1\n\ta type_id=1 bits_offset=1 nr_copy_bits exceeds 128"},
	{"INT member offset overflow", mk(rec{"i", kInt, 4, 16<<16 | 16}, rec{"s", kStruct | 1, 0x20000000, "a", 1, -16}), EINVAL, "[2] STRUCT s size=536870912 vlen=1\n\ta type_id=1 bits_offset=4294967280 bits_offset exceeds U32_MAX"},
	{"INT member pushed out by its offset", mk(rec{"i", kInt, 4, 24<<16 | 8}, rec{"s", kStruct | 1, 4, "a", 1, 16}), EINVAL, "[2] STRUCT s size=4 vlen=1\n\ta type_id=1 bits_offset=16 Member exceeds struct_size"},
	{"INT member off a byte", mk(rec{"i", kInt, 4, 3}, rec{"s", kStruct | 1, 4, "a", 1, 5}), 0, ""},
	{"typedef of INT too large", mk(i32, rec{"t", kTypedef, 1}, rec{"s", kStruct | 1, 2, "a", 2, 0}), EINVAL, "[3] STRUCT s size=2 vlen=1\n\ta type_id=1 bits_offset=0 Member exceeds struct_size"},
	{"typedef of INT too large, later", mk(rec{"s", kStruct | 1, 2, "a", 2, 0}, rec{"t", kTypedef, 3}, i32), EINVAL, "[1] STRUCT s size=2 vlen=1\n\ta type_id=3 bits_offset=0 Member exceeds struct_size"},
	{"bit-field of an odd INT", mk(rec{"i", kInt, 4, 3}, rec{"s", kStruct | kf | 1, 4, "a", 1, 1 << 24}), EINVAL, "[2] STRUCT s size=4 vlen=1\n\ta type_id=1 bitfield_size=1 bits_offset=0 Invalid member base type"},
	{"INT off a byte beside bit-fields", mk(i32, rec{"s", kStruct | kf | 1, 8, "a", 1, 1}), EINVAL, "[2] STRUCT s size=8 vlen=1\n\ta type_id=1 bitfield_size=0 bits_offset=1 Invalid member offset"},
	{"bit-field wider than its INT", mk(i32, rec{"s", kStruct | kf | 1, 8, "a", 1, 33 << 24}), EINVAL, "[2] STRUCT s size=8 vlen=1\n\ta type_id=1 bitfield_size=33 bits_offset=0 Invalid member bitfield_size"},
	{"bit-field over 128 bits", mk(rec{"i", kInt, 16, 128}, rec{"s", kStruct | kf | 1, 32, "a", 1, uint32(128<<24 | 1)}), EINVAL, "[2] STRUCT s size=32 vlen=1\n\ta type_id=1 bitfield_size=128 bits_offset=1 nr_copy_bits exceeds 128"},
	{"bit-field outside", mk(i32, rec{"s", kStruct | kf | 1, 4, "a", 1, 8<<24 | 30}), EINVAL, "[2] STRUCT s size=4 vlen=1\n\ta type_id=1 bitfield_size=8 bits_offset=30 Member exceeds struct_size"},
	{"bit-field of a const INT outside", mk(i32, rec{0, kConst, 1}, rec{"s", kStruct | kf | 1, 4, "a", 2, 8<<24 | 30}), EINVAL, "[3] STRUCT s size=4 vlen=1\n\ta type_id=1 bitfield_size=8 bits_offset=30 Member exceeds struct_size"},
	{"bit-fields", mk(i32, rec{"s", kStruct | kf | 3, 8, "a", 1, 3 << 24, "b", 1, 29<<24 | 3, "c", 1, 32}), 0, ""},
	{"PTR off a byte", mk(rec{0, kPtr, 0}, rec{"s", kStruct | 1, 16, "a", 1, 1}), EINVAL, "[2] STRUCT s size=16 vlen=1\n\ta type_id=1 bits_offset=1 Member is not byte aligned"},
	{"PTR too large", mk(rec{0, kPtr, 0}, rec{"s", kStruct | 1, 8, "a", 1, 8}), EINVAL, "[2] STRUCT s size=8 vlen=1\n\ta type_id=1 bits_offset=8 Member exceeds struct_size"},
	{"PTR as bit-field", mk(rec{0, kPtr, 0}, rec{"s", kStruct | kf | 1, 8, "a", 1, 1 << 24}), EINVAL, "[2] STRUCT s size=8 vlen=1\n\ta type_id=1 bitfield_size=1 bits_offset=0 Invalid member bitfield_size"},
	{"PTR off a byte beside bit-fields", mk(rec{0, kPtr, 0}, rec{"s", kStruct | kf | 1, 16, "a", 1, 9}), EINVAL, "[2] STRUCT s size=16 vlen=1\n\ta type_id=1 bitfield_size=0 bits_offset=9 Member is not byte aligned"},
	{"ARRAY off a byte", mk(i32, rec{0, kArray, 0, 1, 1, 2}, rec{"s", kStruct | 1, 16, "a", 2, 4}), EINVAL, "[3] STRUCT s size=16 vlen=1\n\ta type_id=2 bits_offset=4 Member is not byte aligned"},
	{"ARRAY too large", mk(i32, rec{0, kArray, 0, 1, 1, 2}, rec{"s", kStruct | 1, 7, "a", 2, 0}), EINVAL, "[3] STRUCT s size=7 vlen=1\n\ta type_id=2 bits_offset=0 Member exceeds struct_size"},
	{"ARRAY as bit-field", mk(i32, rec{0, kArray, 0, 1, 1, 2}, rec{"s", kStruct | kf | 1, 8, "a", 2, 2 << 24}), EINVAL, "[3] STRUCT s size=8 vlen=1\n\ta type_id=2 bitfield_size=2 bits_offset=0 Invalid member bitfield_size"},
	{"STRUCT member off a byte", mk(rec{"t", kStruct, 4}, rec{"s", kStruct | 1, 8, "a", 1, 3}), EINVAL, "[2] STRUCT s size=8 vlen=1\n\ta type_id=1 bits_offset=3 Member is not byte aligned"},
	{"STRUCT member too large", mk(rec{"t", kStruct, 4}, rec{"s", kStruct | 1, 2, "a", 1, 0}), EINVAL, "[2] STRUCT s size=2 vlen=1\n\ta type_id=1 bits_offset=0 Member exceeds struct_size"},
	{"STRUCT member too large, later", mk(rec{"s", kStruct | 1, 2, "a", 2, 0}, rec{"t", kStruct, 4}), EINVAL, "[1] STRUCT s size=2 vlen=1\n\ta type_id=2 bits_offset=0 Member exceeds struct_size"},
	{"UNION as bit-field", mk(rec{"t", kUnion, 4}, rec{"s", kStruct | kf | 1, 8, "a", 1, 2 << 24}), EINVAL, "[2] STRUCT s size=8 vlen=1\n\ta type_id=1 bitfield_size=2 bits_offset=0 Invalid member bitfield_size"},
	{"UNION member too large for its union", mk(rec{"t", kUnion, 4}, rec{"u", kUnion | 1, 2, "a", 1, 0}), EINVAL, "[2] UNION u size=2 vlen=1\n\ta type_id=1 bits_offset=0 Member exceeds struct_size"},
	{"ENUM off a byte", mk(rec{"e", kEnum, 4}, rec{"s", kStruct | 1, 8, "a", 1, 4}), EINVAL, "[2] STRUCT s size=8 vlen=1\n\ta type_id=1 bits_offset=4 Member is not byte aligned"},
	{"ENUM too large", mk(rec{"e", kEnum, 8}, rec{"s", kStruct | 1, 8, "a", 1, 8}), EINVAL, "[2] STRUCT s size=8 vlen=1\n\ta type_id=1 bits_offset=8 Member exceeds struct_size"},
	{"ENUM off a byte beside bit-fields", mk(rec{"e", kEnum, 4}, rec{"s", kStruct | kf | 1, 8, "a", 1, 4}), EINVAL, "[2] STRUCT s size=8 vlen=1\n\ta type_id=1 bitfield_size=0 bits_offset=4 Member is not byte aligned"},
	{"ENUM of a byte at the end beside bit-fields", mk(rec{"e", kEnum, 1}, rec{"s", kStruct | kf | 1, 2, "a", 1, 8}), EINVAL, "[2] STRUCT s size=2 vlen=1\n\ta type_id=1 bitfield_size=0 bits_offset=8 Member exceeds struct_size"},
	{"ENUM64 bit-field of 33 bits", mk(rec{"e", kEnum64, 8}, rec{"s", kStruct | kf | 1, 8, "a", 1, 33 << 24}), EINVAL, "[2] STRUCT s size=8 vlen=1\n\ta type_id=1 bitfield_size=33 bits_offset=0 Invalid member bitfield_size"},
	{"ENUM bit-field outside", mk(rec{"e", kEnum, 4}, rec{"s", kStruct | kf | 1, 4, "a", 1, 8<<24 | 28}), EINVAL, "[2] STRUCT s size=4 vlen=1\n\ta type_id=1 bitfield_size=8 bits_offset=28 Member exceeds struct_size"},
	{"ENUM bit-field", mk(rec{"e", kEnum, 4}, rec{"s", kStruct | kf | 1, 4, "a", 1, 4<<24 | 28}), 0, ""},
	{"ENUM64 off a byte", mk(rec{"e", kEnum64, 8}, rec{"s", kStruct | 1, 16, "a", 1, 4}), EINVAL, "[2] STRUCT s size=16 vlen=1\n\ta type_id=1 bits_offset=4 Member is not byte aligned"},
	{"FLOAT not aligned", mk(rec{"f", kFloat, 8}, rec{"s", kStruct | 1, 16, "a", 1, 32}), EINVAL, "[2] STRUCT s size=16 vlen=1\n\ta type_id=1 bits_offset=32 Member is not properly aligned"},
	{"FLOAT of 12 bytes not aligned", mk(rec{"f", kFloat, 12}, rec{"s", kStruct | 1, 32, "a", 1, 32}), EINVAL, "[2] STRUCT s size=32 vlen=1\n\ta type_id=1 bits_offset=32 Member is not properly aligned"},
	{"FLOAT too large", mk(rec{"f", kFloat, 8}, rec{"s", kStruct | 1, 15, "a", 1, 64}), EINVAL, "[2] STRUCT s size=15 vlen=1\n\ta type_id=1 bits_offset=64 Member exceeds struct_size"},
	{"FLOAT as bit-field", mk(rec{"f", kFloat, 4}, rec{"s", kStruct | kf | 1, 8, "a", 1, 2 << 24}), EINVAL, "[2] STRUCT s size=8 vlen=1\n\ta type_id=1 bitfield_size=2 bits_offset=0 Invalid member bitfield_size"},
	{"FLOAT not aligned beside bit-fields", mk(rec{"f", kFloat, 4}, rec{"s", kStruct | kf | 1, 8, "a", 1, 8}), EINVAL, "[2] STRUCT s size=8 vlen=1\n\ta type_id=1 bitfield_size=0 bits_offset=8 Member is not properly aligned"},

	{"FUNC of an INT", mk(i32, rec{"f", kFunc, 1}), EINVAL, "[2] FUNC f type_id=1 Invalid type_id"},
	{"FUNC of nothing", mk(rec{"f", kFunc, 0xfffffff}), EINVAL, "[1] FUNC f type_id=268435455 Invalid type_id"},
	{"FUNC of void", mk(rec{"f", kFunc, 0}), EINVAL, "[1] FUNC f type_id=0 Invalid type_id"},
	{"FUNC arg without a name", mk(i32, rec{0, kFuncProto | 2, 0, "a", 1, 0, 1}, rec{"f", kFunc, 2}), EINVAL, "[3] FUNC f type_id=2 Invalid arg#2"},
	{"FUNC", mk(i32, rec{0, kFuncProto | 3, 1, "a", 1, "b", 1, 0, 0}, rec{"f", kFunc | 1, 2}), 0, ""},

	{"DECL_TAG of an INT", mk(i32, rec{"t", kDeclTag, 1, -1}), EINVAL, "[2] DECL_TAG t type=1 component_idx=-1 Invalid type_id"},
	{"DECL_TAG of nothing", mk(i32, rec{"t", kDeclTag, -1, -1}), EINVAL, "[2] DECL_TAG t type=4294967295 component_idx=-1 Invalid type_id"},
	{"DECL_TAG of void", mk(i32, rec{"t", kDeclTag, 0, -1}), EINVAL, "[2] DECL_TAG t type=0 component_idx=-1 Invalid type_id"},
	{"DECL_TAG of an enum", mk(rec{"e", kEnum, 4}, rec{"t", kDeclTag, 1, -1}), EINVAL, "[2] DECL_TAG t type=1 component_idx=-1 Invalid type_id"},
	{"DECL_TAG of a FWD", mk(rec{"f", kFwd, 0}, rec{"t", kDeclTag, 1, -1}), EINVAL, "[2] DECL_TAG t type=1 component_idx=-1 Invalid type_id"},
	{"DECL_TAG of a member", mk(i32, rec{"s", kStruct | 1, 4, "a", 1, 0}, rec{"t", kDeclTag, 2, 0}), 0, ""},
	{"DECL_TAG of a member that is not there", mk(i32, rec{"s", kStruct | 1, 4, "a", 1, 0}, rec{"t", kDeclTag, 2, 1}), EINVAL, "[3] DECL_TAG t type=2 component_idx=1 Invalid component_idx"},
	{"DECL_TAG of an argument", mk(i32, rec{0, kFuncProto | 1, 0, "a", 1}, rec{"f", kFunc, 2}, rec{"t", kDeclTag, 3, 0}), 0, ""},
	{"DECL_TAG of an argument that is not there", mk(i32, rec{0, kFuncProto | 1, 0, "a", 1}, rec{"f", kFunc, 2}, rec{"t", kDeclTag, 3, 1}), EINVAL, "[4] DECL_TAG t type=3 component_idx=1 Invalid component_idx"},
	{"DECL_TAG of a part of a VAR", mk(i32, rec{"v", kVar, 1, 0}, rec{"t", kDeclTag, 2, 0}), EINVAL, "[3] DECL_TAG t type=2 component_idx=0 Invalid component_idx"},
	{"DECL_TAG of a part of a TYPEDEF", mk(i32, rec{"t", kTypedef, 1}, rec{"t", kDeclTag, 2, 0}), EINVAL, "[3] DECL_TAG t type=2 component_idx=0 Invalid component_idx"},
	{"DECL_TAG before its target", mk(rec{"t", kDeclTag, 2, -1}, rec{"s", kStruct, 4}), 0, ""},

	{"DATASEC entry that is no VAR", mk(i32, rec{".data", kDataSec | 1, 4, 1, 0, 4}), EINVAL, "[2] DATASEC .data size=4 vlen=1\n\t type_id=1 offset=0 size=4 Not a VAR kind member"},
	{"DATASEC entry of nothing", mk(i32, rec{".data", kDataSec | 1, 4, 8, 0, 4}), EINVAL, "[2] DATASEC .data size=4 vlen=1\n\t type_id=8 offset=0 size=4 Not a VAR kind member"},
	{"DATASEC entry smaller than its type", mk(i32, rec{"v", kVar, 1, 0}, rec{".data", kDataSec | 1, 4, 2, 0, 2}), EINVAL, "[3] DATASEC .data size=4 vlen=1\n\t type_id=2 offset=0 size=2 Invalid size"},
	{"DATASEC before its VAR, entry too small", mk(i32, rec{".data", kDataSec | 1, 4, 3, 0, 2}, rec{"v", kVar, 1, 0}), 0, ""},
	{"DATASEC entry larger than its type", mk(i32, rec{"v", kVar, 1, 0}, rec{".data", kDataSec | 1, 8, 2, 0, 8}), 0, ""},

	{"FUNC_PROTO returns nothing", mk(rec{0, kFuncProto, 9}), EINVAL, "[1] FUNC_PROTO (anon) return=9 args=(void) Invalid return type"},
	{"FUNC_PROTO returns a VAR", mk(i32, rec{"v", kVar, 1, 0}, rec{0, kFuncProto, 2}), EINVAL, "[3] FUNC_PROTO (anon) return=2 args=(void) Invalid return type"},
	{"FUNC_PROTO returns a FWD", mk(rec{"f", kFwd, 0}, rec{0, kFuncProto, 1}), EINVAL, "[2] FUNC_PROTO (anon) return=1 args=(void) Invalid return type"},
	{"FUNC_PROTO returns const void", mk(rec{0, kConst, 0}, rec{0, kFuncProto, 1}), EINVAL, "[2] FUNC_PROTO (anon) return=1 args=(void) Invalid return type"},
	{"FUNC_PROTO returns a FUNC", mk(rec{0, kFuncProto, 0}, rec{"f", kFunc, 1}, rec{0, kFuncProto, 2}), EINVAL, "[3] FUNC_PROTO (anon) return=2 args=(void) Invalid return type"},
	{"FUNC_PROTO returns itself", mk(rec{0, kFuncProto, 1}), EINVAL, "[1] FUNC_PROTO (anon) return=1 args=(void) Invalid return type"},
	{"FUNC_PROTO returns a later typedef", mk(rec{0, kFuncProto, 2}, rec{"t", kTypedef, 3}, i32), 0, ""},
	{"FUNC_PROTO returns a later bad typedef", mk(rec{0, kFuncProto, 2}, rec{"t", kTypedef, 9}), EINVAL, "[2] TYPEDEF t type_id=9 Invalid type_id"},
	{"FUNC_PROTO with named dots", mk(i32, rec{0, kFuncProto | 2, 0, "a", 1, "b", 0}), EINVAL, "[2] FUNC_PROTO (anon) return=0 args=(1 a, vararg) Invalid arg#2"},
	{"FUNC_PROTO with dots in the middle", mk(i32, rec{0, kFuncProto | 2, 0, 0, 0, "b", 1}), EINVAL, "[2] FUNC_PROTO (anon) return=0 args=(0 (anon), 1 b) Invalid arg#1"},
	{"FUNC_PROTO arg of nothing", mk(i32, rec{0, kFuncProto | 2, 0, "a", 1, "b", 9}), EINVAL, "[2] FUNC_PROTO (anon) return=0 args=(1 a, 9 b) Invalid arg#2"},
	{"FUNC_PROTO arg of a DATASEC", mk(i32, rec{".data", kDataSec, 4}, rec{0, kFuncProto | 1, 0, "a", 2}), EINVAL, "[3] FUNC_PROTO (anon) return=0 args=(2 a) Invalid arg#1"},
	{"FUNC_PROTO arg of const void", mk(rec{0, kConst, 0}, rec{0, kFuncProto | 1, 0, "a", 1}), EINVAL, "[2] FUNC_PROTO (anon) return=0 args=(1 a) Invalid arg#1"},
	{"FUNC_PROTO arg name offset", mk(i32, rec{0, kFuncProto | 1, 0, 7777, 1}), EINVAL, "[2] FUNC_PROTO (anon) return=0 args=(1 (invalid-name-offset)) Invalid arg#1"},
	{"FUNC_PROTO arg name", mk(i32, rec{0, kFuncProto | 3, 1, "a", 1, "b c", 1, 0, 0}), EINVAL, "[2] FUNC_PROTO (anon) return=1 args=(1 a, 1 b c, vararg) Invalid arg#2"},
	{"FUNC_PROTO arg without a name", mk(i32, rec{0, kFuncProto | 1, 0, 0, 1}), 0, ""},
	{"FUNC_PROTO only dots", mk(rec{0, kFuncProto | 1, 0, 0, 0}), 0, ""},

	{"33 modifiers, targets last", mk(cat(refs(1, 17, kConst), refs(18, 16, kVolatile), []rec{i32})...), E2BIG, "[1] CONST (anon) type_id=2 Exceeded max resolving depth:32"},
	{"40 modifiers, targets first", mk(backwards(40)...), 0, ""},
	{"TYPE_TAG behind CONST", mk(i32, rec{"t", kTypeTag, 1}, rec{0, kConst, 2}), EINVAL, "Type tags don't precede modifiers"},
	{"TYPE_TAG behind TYPEDEF", mk(rec{"d", kTypedef, 2}, rec{"t", kTypeTag, 3}, i32), EINVAL, "Type tags don't precede modifiers"},
	{"TYPE_TAG behind TYPE_TAG", mk(i32, rec{"t", kTypeTag, 1}, rec{"u", kTypeTag, 2}, rec{0, kPtr, 3}), 0, ""},
	{"TYPE_TAG before CONST", mk(i32, rec{0, kConst, 1}, rec{"t", kTypeTag, 2}, rec{0, kPtr, 3}), 0, ""},
	{"TYPE_TAG twice around CONST", mk(i32, rec{"t", kTypeTag, 1}, rec{"t", kTypeTag, 4}, rec{0, kConst, 2}), EINVAL, "Type tags don't precede modifiers"},

	{"bpf_spin_lock of 8 bytes", mk(i32, rec{"bpf_spin_lock", kStruct | 1, 8, "val", 1, 0}, rec{"s", kStruct | 1, 8, "lock", 2, 0}), EFAULT, ""},
	{"bpf_spin_lock", mk(i32, rec{"bpf_spin_lock", kStruct | 1, 4, "val", 1, 0}, rec{"s", kStruct | 1, 4, "lock", 2, 0}), 0, ""},
	{"bpf_refcount of 2 bytes beside an INT", mk(i32, rec{"bpf_refcount", kStruct, 2}, rec{"s", kStruct | 2, 8, "n", 1, 0, "r", 2, 32}), EFAULT, ""},
}

// deep is n structs, each inside the one before.
func deep(n int) []rec {
	var rs []rec
	for i := range n {
		if i == n-1 {
			rs = append(rs, rec{0, kStruct, 8})
		} else {
			rs = append(rs, rec{0, kStruct | 1, 8, "m", i + 2, 0})
		}
	}
	return rs
}

// backwards is n CONSTs, each of which refers to the one before.
func backwards(n int) []rec {
	rs := []rec{i32}
	for i := range n {
		rs = append(rs, rec{0, kConst, i + 1})
	}
	return rs
}
