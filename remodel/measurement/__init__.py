"""What instruments see of bone: DXA, markers, histomorphometry, and fracture risk.

Functions of sections, readings and numbers; the model is never asked.
"""
