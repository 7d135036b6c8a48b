# The stack is the template that "boxlet deploy" deploys, so that both give the same resources and permissions.
# Terraform uploads the package and owns the stack.

locals {
  package_hash = filesha256(var.package)
  # A version of a function never changes, so a new package needs a version of another name.
  template = replace(
    file("${path.module}/template.json"),
    "VersionPACKAGEHASH",
    "Version${substr(local.package_hash, 0, 12)}",
  )
}

resource "aws_s3_object" "package" {
  bucket = var.bucket
  key    = "packages/${local.package_hash}.zip"
  source = var.package
}

resource "aws_s3_object" "layer" {
  count  = var.layer == null ? 0 : 1
  bucket = var.bucket
  key    = "packages/${filesha256(var.layer)}.zip"
  source = var.layer
}

resource "aws_cloudformation_stack" "boxlet" {
  name          = var.name
  template_body = local.template
  capabilities  = ["CAPABILITY_IAM"]
  on_failure    = "ROLLBACK"
  tags          = var.tags

  parameters = merge(
    {
      CodeBucket     = aws_s3_object.package.bucket
      CodeKey        = aws_s3_object.package.key
      LayerKey       = try(aws_s3_object.layer[0].key, "")
      Architecture   = var.architecture
      MemorySize     = tostring(var.memory_size)
      Auth           = var.auth
      KeysParameter  = var.keys_parameter
      DataBucketName = var.data_bucket_name
    },
    var.parameters,
  )
}
