"""What pyproject.toml cannot say: the packages are found, and the folder `resources` becomes `dnnstudio.resources`."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["dnnstudio", "dnnstudio.*"]), "dnnstudio.resources"],
    package_dir={"dnnstudio.resources": "resources"},
)
