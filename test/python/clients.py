"""Asks a running Boxlet with the clients that other programs' users have. Prints what they understood as JSON.

python clients.py CLIENT URL PICTURE KEY
"""

import json
import sys
from importlib import util
from urllib.parse import urlsplit

import requests


def inference_sdk(url, picture, key):
    from inference_sdk import InferenceConfiguration, InferenceHTTPClient

    answers = {}
    for transport in ("legacy", "header"):
        client = InferenceHTTPClient(api_url=url, api_key=key)
        client.select_api_v1()
        client.configure(InferenceConfiguration(confidence_threshold=0.5, api_key_transport=transport))
        answers[transport] = client.infer(picture, model_id="yolox-nano")
    client.select_model("yolox-nano/3")
    answers["list"] = client.infer([picture, picture])
    client.select_api_v0()
    answers["hosted"] = client.infer(picture, model_id="yolox-nano/3")
    answers["registry"] = [model.model_id for model in client.select_api_v1().list_loaded_models().models]
    try:
        InferenceHTTPClient(api_url=url, api_key="wrong").select_api_v1().infer(picture, model_id="yolox-nano")
    except Exception as error:
        answers["refused"] = type(error).__name__
    return answers


def supervision(url, picture, key):
    import supervision as sv
    from inference_sdk import InferenceHTTPClient

    answer = InferenceHTTPClient(api_url=url, api_key=key).select_api_v1().infer(picture, model_id="yolox-nano")
    found = sv.Detections.from_inference(answer)
    return {
        "xyxy": found.xyxy.tolist(),
        "class_id": found.class_id.tolist(),
        "confidence": found.confidence.tolist(),
        "class_name": found.data["class_name"].tolist(),
    }


def codeprojectai(url, picture, key):
    from codeprojectai.core import CodeProjectAIObject

    place = urlsplit(url)
    with open(picture, "rb") as file:
        return CodeProjectAIObject(place.hostname, place.port, min_confidence=0.5).detect(file.read())


def deepstack(url, picture, key):
    from deepstack.core import DeepstackException, DeepstackObject

    place = urlsplit(url)
    with open(picture, "rb") as file:
        data = file.read()
    answers = {}
    for name in ("", "yolox-nano"):
        client = DeepstackObject(place.hostname, place.port, api_key=key, min_confidence=0.5, custom_model=name)
        answers[name or "detection"] = client.detect(data)
    try:
        DeepstackObject(place.hostname, place.port, api_key="wrong").detect(data)
    except DeepstackException as error:
        answers["refused"] = str(error)
    return answers


def cvat(url, picture, key):
    """What CVAT's lambda_manager sends; `CVAT_NUCLIO_HOST` may hold name and key before the host."""
    import base64

    place = urlsplit(url)
    gateway = f"{place.scheme}://boxlet:{key}@{place.netloc}"
    headers = {
        "x-nuclio-project-name": "cvat",
        "x-nuclio-function-namespace": "nuclio",
        "x-nuclio-invoke-via": "domain-name",
    }

    def call(method, path, more={}, data=None):
        with requests.Session() as session:
            reply = session.request(method, gateway + path, headers={**headers, **more}, timeout=30, json=data)
            reply.raise_for_status()
            return reply.json()

    functions = list(call("get", "/api/functions").values())
    one = call("get", "/api/functions/" + functions[0]["metadata"]["name"])
    annotations = one["metadata"]["annotations"]
    with open(picture, "rb") as file:
        payload = {"threshold": 0.5, "image": base64.b64encode(file.read()).decode()}
    name = {"x-nuclio-function-name": one["metadata"]["name"], "x-nuclio-path": "/"}
    return {
        "names": [function["metadata"]["name"] for function in functions],
        "kind": annotations["type"],
        "labels": [item["name"] for item in json.loads(annotations["spec"])],
        "state": one["status"]["state"],
        "description": one["spec"]["description"],
        "found": call("post", "/api/function_invocations", name, payload),
    }


CONFIG = """<View>
  <Image name="picture" value="$image"/>
  <RectangleLabels name="what" toName="picture">
    <Label value="Human" predicted_values="person,pedestrian"/>
    <Label value="bus"/>
  </RectangleLabels>
</View>"""


def label_studio(url, picture, key):
    """What Label Studio's server sends to a backend; its SDK judges the predictions."""
    import base64

    from label_studio_sdk.label_interface import LabelInterface

    with open(picture, "rb") as file:
        image = "data:image/jpeg;base64," + base64.b64encode(file.read()).decode()
    session = requests.Session()
    session.auth = ("boxlet", key)
    health = session.get(url + "/health", timeout=1).json()
    setup = session.post(
        url + "/setup",
        json={"project": "1.1700000000", "schema": CONFIG, "hostname": "", "access_token": "", "extra_params": None},
        timeout=3,
    ).json()
    request = {
        "tasks": [{"id": 7, "data": {"image": image}, "annotations": [], "predictions": []}],
        "model_version": setup["model_version"],
        "project": "1.1700000000",
        "label_config": CONFIG,
        "params": {"login": None, "password": None, "context": None},
    }
    answer = session.post(url + "/predict", json=request, timeout=100).json()
    interface = LabelInterface(CONFIG)
    event = {"action": "ANNOTATION_CREATED", "annotation": {"id": 1}, "task": {"id": 7}}
    return {
        "health": health["status"],
        "version": setup["model_version"],
        "answer": answer,
        "valid": [interface.validate_prediction(result) for result in answer["results"]],
        "webhook": session.post(url + "/webhook", json=event, timeout=10).status_code,
    }


NEEDS = {
    "inference_sdk": ["inference_sdk"],
    "supervision": ["supervision", "inference_sdk"],
    "codeprojectai": ["codeprojectai"],
    "deepstack": ["deepstack"],
    "cvat": ["requests"],
    "label_studio": ["label_studio_sdk"],
}

if __name__ == "__main__":
    if sys.argv[1] == "available":
        print(json.dumps([name for name, needs in NEEDS.items() if all(map(util.find_spec, needs))]))
    else:
        print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
