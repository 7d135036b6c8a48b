variable "name" {
  description = "Name of the stack and of the function: lower-case letters, digits and hyphens."
  type        = string
  default     = "boxlet"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,56}$", var.name))
    error_message = "Expected lower-case letters, digits and hyphens for name, 57 at most."
  }
}

variable "package" {
  description = "Path of the zip from \"boxlet package\"."
  type        = string
}

variable "layer" {
  description = "Path of the layer zip with the model, where \"boxlet package\" wrote one."
  type        = string
  default     = null
}

variable "bucket" {
  description = "Bucket in the same region that the package is uploaded to."
  type        = string
}

variable "architecture" {
  description = "arm64 or x86_64; that of the package."
  type        = string
  default     = "arm64"
  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Expected arm64 or x86_64 for architecture."
  }
}

variable "memory_size" {
  description = "Megabytes; 1769 of them buy one processor."
  type        = number
  default     = 1769
  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240 && floor(var.memory_size) == var.memory_size
    error_message = "Expected 128 to 10240 megabytes for memory_size."
  }
}

variable "auth" {
  description = "iam: callers sign with AWS credentials. keys: callers send a Boxlet key."
  type        = string
  default     = "iam"
  validation {
    condition     = contains(["iam", "keys"], var.auth)
    error_message = "Expected iam or keys for auth."
  }
}

variable "keys_parameter" {
  description = "Name of the SSM parameter that holds the Boxlet keys, for auth = \"keys\"."
  type        = string
  default     = ""
}

variable "data_bucket_name" {
  description = "Makes this bucket: pictures below incoming/ get results below results/."
  type        = string
  default     = ""
}

variable "parameters" {
  description = "Any other parameter of the template, see \"boxlet template\"."
  type        = map(string)
  default     = {}
}

variable "tags" {
  description = "Tags of the stack and of all its resources."
  type        = map(string)
  default     = {}
}
