package dwarf2btf

import "fmt"

// Tags (DWARF 5, 7.5.3) that mean something here. All others are passed over,
// but types that are nested in them are found.
const (
	tagArrayType             = 0x01
	tagClassType             = 0x02
	tagEnumerationType       = 0x04
	tagFormalParameter       = 0x05
	tagMember                = 0x0d
	tagPointerType           = 0x0f
	tagReferenceType         = 0x10
	tagCompileUnit           = 0x11
	tagStringType            = 0x12
	tagStructureType         = 0x13
	tagSubroutineType        = 0x15
	tagTypedef               = 0x16
	tagUnionType             = 0x17
	tagUnspecifiedParameters = 0x18
	tagVariant               = 0x19
	tagInheritance           = 0x1c
	tagPtrToMemberType       = 0x1f
	tagSetType               = 0x20
	tagSubrangeType          = 0x21
	tagBaseType              = 0x24
	tagConstType             = 0x26
	tagEnumerator            = 0x28
	tagFileType              = 0x29
	tagPackedType            = 0x2d
	tagSubprogram            = 0x2e
	tagThrownType            = 0x31
	tagVariantPart           = 0x33
	tagVariable              = 0x34
	tagVolatileType          = 0x35
	tagRestrictType          = 0x37
	tagInterfaceType         = 0x38
	tagUnspecifiedType       = 0x3b
	tagPartialUnit           = 0x3c
	tagImportedUnit          = 0x3d
	tagSharedType            = 0x40
	tagTypeUnit              = 0x41
	tagRvalueReferenceType   = 0x42
	tagTemplateAlias         = 0x43
	tagCoarrayType           = 0x44
	tagDynamicType           = 0x46
	tagAtomicType            = 0x47
	tagSkeletonUnit          = 0x4a
	tagImmutableType         = 0x4b
	tagLLVMAnnotation        = 0x6000
	tagGNUAnnotation         = 0x6001 // GCC 16
)

var tagNames = map[uint16]string{
	tagArrayType: "array_type", tagClassType: "class_type", tagEnumerationType: "enumeration_type",
	tagFormalParameter: "formal_parameter", tagMember: "member", tagPointerType: "pointer_type",
	tagReferenceType: "reference_type", tagCompileUnit: "compile_unit", tagStringType: "string_type",
	tagStructureType: "structure_type", tagSubroutineType: "subroutine_type", tagTypedef: "typedef",
	tagUnionType: "union_type", tagUnspecifiedParameters: "unspecified_parameters", tagVariant: "variant",
	tagInheritance: "inheritance", tagPtrToMemberType: "ptr_to_member_type", tagSetType: "set_type",
	tagSubrangeType: "subrange_type", tagBaseType: "base_type", tagConstType: "const_type",
	tagEnumerator: "enumerator", tagFileType: "file_type", tagPackedType: "packed_type",
	tagSubprogram: "subprogram", tagThrownType: "thrown_type", tagVariantPart: "variant_part",
	tagVariable: "variable", tagVolatileType: "volatile_type", tagRestrictType: "restrict_type",
	tagInterfaceType: "interface_type", tagUnspecifiedType: "unspecified_type", tagPartialUnit: "partial_unit",
	tagImportedUnit: "imported_unit", tagSharedType: "shared_type", tagTypeUnit: "type_unit",
	tagRvalueReferenceType: "rvalue_reference_type", tagTemplateAlias: "template_alias",
	tagCoarrayType: "coarray_type", tagDynamicType: "dynamic_type", tagAtomicType: "atomic_type",
	tagSkeletonUnit: "skeleton_unit", tagImmutableType: "immutable_type",
	tagLLVMAnnotation: "LLVM_annotation", tagGNUAnnotation: "GNU_annotation",
}

// tagName is the name of a tag as the standard writes it.
func tagName(tag uint16) string {
	if s, ok := tagNames[tag]; ok {
		return "DW_TAG_" + s
	}
	return fmt.Sprintf("DW_TAG %#x", tag)
}

// Attributes (DWARF 5, 7.5.4) that are read.
const (
	atLocation           = 0x02
	atName               = 0x03
	atByteSize           = 0x0b
	atBitOffset          = 0x0c
	atBitSize            = 0x0d
	atStmtList           = 0x10
	atLowPC              = 0x11
	atHighPC             = 0x12
	atLanguage           = 0x13
	atImport             = 0x18
	atCompDir            = 0x1b
	atConstValue         = 0x1c
	atLowerBound         = 0x22
	atProducer           = 0x25
	atUpperBound         = 0x2f
	atAbstractOrigin     = 0x31
	atArtificial         = 0x34
	atCallingConvention  = 0x36
	atCount              = 0x37
	atDataMemberLocation = 0x38
	atDeclFile           = 0x3a
	atDeclaration        = 0x3c
	atEncoding           = 0x3e
	atExternal           = 0x3f
	atSpecification      = 0x47
	atType               = 0x49
	atRanges             = 0x55
	atSignature          = 0x69
	atDataBitOffset      = 0x6b
	atLinkageName        = 0x6e
	atStrOffsetsBase     = 0x72
	atAddrBase           = 0x73
	atRnglistsBase       = 0x74
	atDwoName            = 0x76
	atLoclistsBase       = 0x8c
	atMIPSLinkageName    = 0x2007
	atGNUDwoName         = 0x2130
	atGNUAddrBase        = 0x2133
	atGNUAnnotation      = 0x2139 // GCC 16
)

// Forms (DWARF 5, 7.5.6, and the GNU extensions before it).
const (
	formAddr          = 0x01
	formBlock2        = 0x03
	formBlock4        = 0x04
	formData2         = 0x05
	formData4         = 0x06
	formData8         = 0x07
	formString        = 0x08
	formBlock         = 0x09
	formBlock1        = 0x0a
	formData1         = 0x0b
	formFlag          = 0x0c
	formSdata         = 0x0d
	formStrp          = 0x0e
	formUdata         = 0x0f
	formRefAddr       = 0x10
	formRef1          = 0x11
	formRef2          = 0x12
	formRef4          = 0x13
	formRef8          = 0x14
	formRefUdata      = 0x15
	formIndirect      = 0x16
	formSecOffset     = 0x17
	formExprloc       = 0x18
	formFlagPresent   = 0x19
	formStrx          = 0x1a
	formAddrx         = 0x1b
	formRefSup4       = 0x1c
	formStrpSup       = 0x1d
	formData16        = 0x1e
	formLineStrp      = 0x1f
	formRefSig8       = 0x20
	formImplicitConst = 0x21
	formLoclistx      = 0x22
	formRnglistx      = 0x23
	formRefSup8       = 0x24
	formStrx1         = 0x25
	formStrx2         = 0x26
	formStrx3         = 0x27
	formStrx4         = 0x28
	formAddrx1        = 0x29
	formAddrx2        = 0x2a
	formAddrx3        = 0x2b
	formAddrx4        = 0x2c
	formGNUAddrIndex  = 0x1f01
	formGNUStrIndex   = 0x1f02
	formGNURefAlt     = 0x1f20
	formGNUStrpAlt    = 0x1f21
)

// Encodings of base types (DWARF 5, 7.8).
const (
	ateBoolean        = 0x02
	ateComplexFloat   = 0x03
	ateFloat          = 0x04
	ateSigned         = 0x05
	ateSignedChar     = 0x06
	ateImaginaryFloat = 0x09
)

// Unit types (DWARF 5, 7.5.1).
const (
	utCompile      = 0x01
	utType         = 0x02
	utPartial      = 0x03
	utSkeleton     = 0x04
	utSplitCompile = 0x05
	utSplitType    = 0x06
)

// Languages (DWARF 5, 7.12, and its later registry) that are told apart.
const (
	LangCPlusPlus     = 0x04
	LangCPlusPlus03   = 0x19
	LangRust          = 0x1c
	LangCPlusPlus11   = 0x1a
	LangCPlusPlus14   = 0x21
	LangCPlusPlus17   = 0x2a
	LangCPlusPlus20   = 0x2b
	LangCPlusPlus23   = 0x3a
	LangAssembly      = 0x31
	LangMipsAssembler = 0x8001
	langRustOld       = 0x9000 // rustc before 2015
)

// ccNoCall is DW_CC_nocall: clang's mark on functions whose signature it changed.
const ccNoCall = 0x03
