#!/bin/bash
# Microsoft's exercise "Build and run a container image by using Azure Container Registry Tasks", with nothing but curl, tar
# and sed: the requests that az makes. Wants TWIN_ARM, TWIN_CA, TWIN_SUBSCRIPTION, IDENTITY_ENDPOINT and IDENTITY_HEADER;
# local/docs/az.md says where they are.
set -euo pipefail
name=${1:-myregistry008}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

https() { curl --silent --show-error --fail --cacert "$TWIN_CA" "$@"; }
# The text of the first property of this name.
text() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" <<< "$(cat)" | head -n 1; }

token=$(curl --silent --fail -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" \
  "$IDENTITY_ENDPOINT?api-version=2019-08-01&resource=https://management.azure.com/" | text access_token)
arm() { # METHOD PATH API-VERSION [BODY]
  https -X "$1" -H "Authorization: Bearer $token" -H "Content-Type: application/json" ${4:+--data "$4"} \
    "$TWIN_ARM/subscriptions/$TWIN_SUBSCRIPTION$2?api-version=$3"
}
group=/resourceGroups/az204-acr-rg
registry=$group/providers/Microsoft.ContainerRegistry/registries/$name
tasks=2019-06-01-preview

echo "== create a resource group"
arm PUT $group 2021-04-01 '{"location":"eastus"}' | text provisioningState

echo "== create a registry"
arm PUT "$registry" 2023-07-01 '{"location":"eastus","sku":{"name":"Basic"}}' | text provisioningState
until [ "$(arm GET "$registry" 2023-07-01 | text provisioningState)" = Succeeded ]; do sleep 1; done
login=$(arm GET "$registry" 2023-07-01 | text loginServer)
echo "$login"

# Prints a run's log as it grows, until storage's metadata say that it is complete.
follow() {
  local link shown=0 ended=""
  link=$(arm POST "$registry/runs/$1/listLogSasUrl" $tasks '{}' | text logLink)
  until [ -n "$ended" ]; do
    ended=$(curl --silent --head "$link" | tr -d '\r' | sed -n 's/^x-ms-meta-complete: //Ip')
    curl --silent --output log --fail "$link" || { sleep 0.2; continue; }
    tail -c +$((shown + 1)) log | tr -d '\r'
    shown=$(wc -c < log)
    [ -n "$ended" ] || sleep 0.2
  done
  echo "== log complete: $ended; run: $(arm GET "$registry/runs/$1" $tasks | text status)"
}

echo "== build and push"
echo FROM mcr.microsoft.com/hello-world > Dockerfile
tar --create --gzip --file context.tar.gz Dockerfile
place=$(arm POST "$registry/listBuildSourceUploadUrl" $tasks '{}')
curl --silent --fail -X PUT -H "x-ms-blob-type: BlockBlob" --data-binary @context.tar.gz "$(text uploadUrl <<< "$place")"
run=$(arm POST "$registry/scheduleRun" $tasks '{"type":"DockerBuildRequest","imageNames":["sample/hello-world:v1"],
  "isPushEnabled":true,"dockerFilePath":"Dockerfile","platform":{"os":"Linux","architecture":"amd64"},
  "sourceLocation":"'"$(text relativePath <<< "$place")"'"}' | text runId)
echo "Queued a run with ID: $run"
follow "$run"

# ACR's own tokens: Entra's buys a refresh token, that one buys access tokens for one scope each.
realm=$(curl --silent --cacert "$TWIN_CA" --output /dev/null --dump-header - "https://$login/v2/" | sed -n 's/^www-authenticate: .*realm="\([^"]*\)".*/\1/Ip')
refresh=$(https --data "grant_type=access_token&service=$login" --data-urlencode "access_token=$token" \
  "${realm%/token}/exchange" | text refresh_token)
acr() { # SCOPE PATH
  local access
  access=$(https --data "grant_type=refresh_token&service=$login" --data-urlencode "scope=$1" \
    --data-urlencode "refresh_token=$refresh" "$realm" | text access_token)
  https -H "Authorization: Bearer $access" "https://$login$2"
  echo
}
echo "== repositories"
acr "registry:catalog:*" /acr/v1/_catalog
echo "== tags"
acr "repository:sample/hello-world:metadata_read" /acr/v1/sample/hello-world/_tags

echo "== run"
# What az run --cmd makes of '$Registry/sample/hello-world:v1' and /dev/null.
content=$(printf 'version: v1.1.0\nsteps: \n  - cmd: $Registry/sample/hello-world:v1\n    disableWorkingDirectoryOverride: true\n' | base64 -w 0)
run=$(arm POST "$registry/scheduleRun" $tasks '{"type":"EncodedTaskRunRequest","encodedTaskContent":"'"$content"'",
  "values":[],"platform":{"os":"linux","architecture":"amd64"}}' | text runId)
echo "Queued a run with ID: $run"
follow "$run"

echo "== delete the group"
arm DELETE $group 2021-04-01
