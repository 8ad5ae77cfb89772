"""mtmc: multi-camera multi-object tracking. One person, one identity, across all cameras.

Importing the top package is cheap: neither torch nor OpenCV is loaded before it is needed.
"""

__version__ = "0.1.0"
