#!/bin/bash
# Microsoft's exercise "Build and run a container image by using Azure Container Registry Tasks", typed with az 2.45 against
# the twin. Wants TWIN_ARM, TWIN_CA, TWIN_CLIENT_ID, TWIN_CLIENT_SECRET and TWIN_TENANT; local/docs/az.md says where they are.
set -euo pipefail
registry=${1:-myregistry008}

# A configuration of its own: nothing of your az is read or changed.
AZURE_CONFIG_DIR=$(mktemp -d)
work=$(mktemp -d)
trap 'rm -rf "$AZURE_CONFIG_DIR" "$work"' EXIT
export AZURE_CONFIG_DIR REQUESTS_CA_BUNDLE=$TWIN_CA AZURE_CORE_COLLECT_TELEMETRY=no AZURE_CORE_NO_COLOR=yes
cd "$work"

# The twin is a cloud like any other: az learns from its Resource Manager where to sign in.
az cloud register --name twin --endpoint-resource-manager "$TWIN_ARM" --suffix-acr-login-server-endpoint .azurecr.io \
  --suffix-keyvault-dns .vault.azure.net --only-show-errors
az cloud set --name twin --only-show-errors
az login --service-principal -u "$TWIN_CLIENT_ID" --password="$TWIN_CLIENT_SECRET" --tenant "$TWIN_TENANT" --output none

# From here on, the exercise as it is written.
az group create --name az204-acr-rg --location eastus --output none
az acr create --resource-group az204-acr-rg --name "$registry" --sku Basic --output none
echo FROM mcr.microsoft.com/hello-world > Dockerfile
az acr build --image sample/hello-world:v1 --registry "$registry" --file Dockerfile .
az acr repository list --name "$registry" --output table
az acr repository show-tags --name "$registry" --repository sample/hello-world --output table
az acr run --registry "$registry" --cmd '$Registry/sample/hello-world:v1' /dev/null
az group delete --name az204-acr-rg --no-wait --yes
