variable "vpc_id" {
  type        = string
  description = "Where the controller runs. It reaches the APIs of AWS and its git sources from there, by NAT or endpoints."
}

variable "subnet_ids" {
  type        = list(string)
  description = "Private subnets of it, best in two availability zones."
}

variable "image" {
  type        = string
  description = "Of the controller, such as 123456789012.dkr.ecr.eu-central-1.amazonaws.com/bastion-controller:1"
}

variable "architecture" {
  type        = string
  description = "Of the image."
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.architecture)
    error_message = "Allowed: X86_64, ARM64."
  }
}

variable "git_source" {
  type        = string
  description = "URL[#ref][:path] of manifests; left out, they come by the API and bastionctl only."
  default     = ""
}

variable "bastion_image" {
  type        = string
  description = "Of Bastions that name none; {account} and {region} are filled in."
  default     = "{account}.dkr.ecr.{region}.amazonaws.com/bastion:latest"
}

variable "max_ttl" {
  type        = string
  description = "Longest life of one activation, renewals included."
  default     = "24h"
}

variable "desired_count" {
  type        = number
  description = "How many controllers there are, of which one leads."
  default     = 2
}

variable "log_retention_days" {
  type        = number
  description = "How long the log of the controller is kept."
  default     = 90
}

variable "alarm_topic_arn" {
  type        = string
  description = "SNS topic that alarms go to; left out, they are only to be seen."
  default     = ""
}
