resource "aws_vpc" "main" {
  #checkov:skip=CKV2_AWS_11:Flow logs cost by the gigabyte; they are not part of this module
  cidr_block           = var.cidr
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = merge(var.labels, { Name = var.name })
}

# Adopted to be emptied: what forgets to name a security group gets one that allows nothing.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.main.id

  tags = merge(var.labels, { Name = "${var.name}-default-closed" })
}

resource "aws_internet_gateway" "main" {
  vpc_id = aws_vpc.main.id

  tags = merge(var.labels, { Name = var.name })
}
